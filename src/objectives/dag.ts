/** The losses of DAG, the dense adversary generation (Xie et al. 2017, arXiv 1703.08603). */

import { atClasses, largest, rival } from "./margin.ts";
import type { Objective } from "./objective.ts";
import { gathered, labelled, map, stillRight, total } from "./pixels.ts";

/**
 * Σ relu(z[y] − max_{k≠y} z[k]), descended: the active pixels are those that still have their label y. A rule sees the terms.
 */
const untargeted: Objective = {
  key: "dag",
  sense: -1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const pixels = labelled(op, logits, inputs["target"]!);
    const { own, counted } = pixels;
    const other = rival(op, largest(op, logits, 2), pixels);
    const terms = op.Relu(op.Mul(counted, op.Sub(gathered(op, logits, own), other.value)));
    const active = op.cast(op.Greater(terms, op.constant(0, logits.dtype)), logits.dtype);
    const cotangent = atClasses(op, logits, [
      { class: own, coefficient: active },
      { class: other.class, coefficient: op.Neg(active) },
    ]);
    return { value: total(op, terms), cotangent, terms: map(op, terms), perPixel: map(op, terms) };
  },
};

/**
 * Σ z[y′] − z[y] from the labels y (`source`) to the labels y′ (`target`), climbed over the active pixels: those that are still
 * predicted as y. A rule sees the terms, which are 0 elsewhere.
 */
const towardsTarget: Objective = {
  key: "dag targeted",
  sense: 1,
  inputs: { target: { dtype: "int32", per: "pixel" }, source: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const [to, from] = [labelled(op, logits, inputs["target"]!), labelled(op, logits, inputs["source"]!)];
    const active = op.Mul(to.counted, op.cast(stillRight(op, logits, from), logits.dtype));
    const terms = op.Mul(active, op.Sub(gathered(op, logits, to.own), gathered(op, logits, from.own)));
    const cotangent = atClasses(op, logits, [
      { class: to.own, coefficient: active },
      { class: from.own, coefficient: op.Neg(active) },
    ]);
    return { value: total(op, terms), cotangent, terms: map(op, terms), perPixel: map(op, terms) };
  },
};

export const dagObjective = (targeted: boolean): Objective => (targeted ? towardsTarget : untargeted);
