/** The difference of logits ratio (Croce and Hein 2020, arXiv 2003.01690), as ALMA prox has it (Rony et al. 2023, arXiv 2206.07179). */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { atClasses, largest, rival } from "./margin.ts";
import type { Objective } from "./objective.ts";
import { gathered, labelled, map, total, type Labelled } from "./pixels.ts";

/** Added to the difference, so that two equal logits do not pass for done. */
const TOLERANCE = 1e-4;
/** Added to the denominator. */
const TINY = 1e-8;

/** What is to become negative in each pixel, and how it depends on the logits. */
export interface Ratio extends Labelled {
  /** [N,1,h,w], 0 where the pixel is void. */
  readonly ratio: Value;
  /** Σ w·∂ratio/∂z for weights [N,1,h,w], and 0 where the pixel is void. */
  readonly gradient: (weights: Value) => Value;
}

/**
 * r = D/S, positive until the attack is done with a pixel, and the same when all logits are scaled. Untargeted, D is
 * z[y] − max_{k≠y} z[k] + 10⁻⁴ and S is z₍₁₎ − z₍₃₎ + 10⁻⁸, with z₍ᵢ₎ the i-th largest logit. Targeted, D is
 * max_{k≠y} z[k] − z[y] + 10⁻⁴ and S is z₍₁₎ − ½(z₍₃₎ + z₍₄₎) + 10⁻⁸.
 *
 * @throws OnnxError for fewer than 3 classes, targeted for fewer than 4.
 */
export const logitRatio = (op: Builder, logits: Value, labels: Value, targeted: boolean): Ratio => {
  const pixels = labelled(op, logits, labels);
  const { own, counted } = pixels;
  const ranked = largest(op, logits, targeted ? 4 : 3);
  const other = rival(op, ranked, pixels);
  const constant = (value: number) => op.constant(value, logits.dtype);
  const margin = op.Sub(gathered(op, logits, own), other.value);
  const difference = op.Add(targeted ? op.Neg(margin) : margin, constant(TOLERANCE));
  const [first, , ...low] = ranked;
  const share = constant(1 / low.length);
  const floor = low.map(({ value }) => op.Mul(share, value)).reduce((a, b) => op.Add(a, b));
  const scale = op.Add(op.Sub(first!.value, floor), constant(TINY));
  const ratio = op.Mul(counted, op.Div(difference, scale));
  return {
    ...pixels,
    ratio,
    // dr = (dD − r·dS)/S
    gradient: (weights) => {
      const each = op.Mul(counted, op.Div(weights, scale));
      const [up, down] = targeted ? [other.class, own] : [own, other.class];
      const lowered = op.Neg(op.Mul(each, ratio));
      return atClasses(op, logits, [
        { class: up, coefficient: each },
        { class: down, coefficient: op.Neg(each) },
        { class: first!.class, coefficient: lowered },
        ...low.map((rank) => ({ class: rank.class, coefficient: op.Neg(op.Mul(share, lowered)) })),
      ]);
    },
  };
};

/** Σ r over the pixels that are not void, descended. A rule sees r of each pixel, which is negative where the attack is done. */
export const dlrObjective = (targeted: boolean): Objective => ({
  key: targeted ? "dlr targeted" : "dlr",
  sense: -1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const { ratio, gradient, counted } = logitRatio(op, logits, inputs["target"]!, targeted);
    return { value: total(op, ratio), cotangent: gradient(counted), terms: map(op, ratio), perPixel: map(op, ratio) };
  },
});
