/** Objectives made from others. */

import type { Value } from "../onnx/value.ts";
import type { Tensor } from "../tensor.ts";
import { crossEntropyTerms } from "./cross-entropy.ts";
import type { Built, InputType, Objective } from "./objective.ts";
import { map, total } from "./pixels.ts";

type Inputs = Readonly<Record<string, InputType>>;

/**
 * The same objective with a weight for each pixel: a further input `weights`, float32 [1,H,W], by which both the terms and the
 * cotangent are multiplied. Weights of a region (1 inside, 0 outside) climb in that region alone.
 */
export const weighted = (objective: Objective): Objective => ({
  ...objective,
  key: `weighted(${objective.key})`,
  inputs: joined([objective.inputs, { weights: { dtype: "float32", per: "pixel" } }]),
  build: (op, logits, given) => {
    const built = objective.build(op, logits, given);
    const weights = op.Unsqueeze(given.inputs["weights"], op.ints([1]));
    const terms = op.Mul(weights, op.Unsqueeze(built.terms, op.ints([1])));
    return { ...built, value: total(op, terms), cotangent: op.Mul(weights, built.cotangent), terms: map(op, terms) };
  },
});

/**
 * The same direction with another value: cross-entropy over all pixels that are not void. A step-size control that watches the
 * value then judges every loss by one measure, as SEA does.
 */
export const steeredByCrossEntropy = (objective: Objective): Objective => ({
  ...objective,
  key: `steered(${objective.key})`,
  build: (op, logits, given) => {
    const { losses } = crossEntropyTerms(op, logits, given.inputs["target"]!);
    return { ...objective.build(op, logits, given), value: total(op, losses), terms: map(op, losses) };
  },
});

/** The same objective, fed tensors that do not change from step to step: a region's weights, the labels that DAG leaves. */
export const fed = (objective: Objective, tensors: Readonly<Record<string, Tensor>>): Objective => {
  for (const name of Object.keys(tensors))
    if (!objective.inputs[name])
      throw new RangeError(`the objective has no input "${name}"; it has ${Object.keys(objective.inputs).join(", ")}`);
  return { ...objective, feeds: (at) => ({ ...objective.feeds?.(at), ...tensors }) };
};

/** A part of a weighted sum. */
export interface Part {
  readonly objective: Objective;
  readonly weight: number;
}

/**
 * Σ weight·sense·value of several objectives, climbed. Inputs of one name are one input: all parts see the same labels.
 *
 * @throws RangeError for no parts, for a weight that is not finite, and for inputs of one name and different types.
 */
export const weightedSum = (parts: readonly Part[]): Objective => {
  if (parts.length === 0) throw new RangeError("a weighted sum needs at least one objective");
  for (const { weight, objective } of parts)
    if (!Number.isFinite(weight)) throw new RangeError(`the weight of "${objective.key}" must be finite, is ${weight}`);
  const signed = parts.map(({ objective, weight }) => ({ objective, factor: weight * objective.sense }));
  const feeders = parts.flatMap(({ objective: { feeds } }) => (feeds ? [feeds] : []));
  return {
    key: signed.map(({ objective, factor }) => `${factor}·(${objective.key})`).join(" + "),
    sense: 1,
    inputs: joined(parts.map(({ objective }) => objective.inputs)),
    mixesPixels: parts.some(({ objective }) => objective.mixesPixels),
    ...(feeders.length > 0 && { feeds: (at) => Object.assign({}, ...feeders.map((feeds) => feeds(at))) }),
    build: (op, logits, given) => {
      const built = signed.map(({ objective, factor }) => ({ ...objective.build(op, logits, given), factor }));
      const sum = (what: (one: Built) => Value): Value =>
        built.map((one) => op.Mul(op.constant(one.factor, logits.dtype), what(one))).reduce((a, b) => op.Add(a, b));
      return { value: sum((b) => b.value), cotangent: sum((b) => b.cotangent), terms: sum((b) => b.terms) };
    },
  };
};

/** @throws RangeError for inputs of one name and different types. */
const joined = (all: readonly Inputs[]): Inputs => {
  const together: Record<string, InputType> = {};
  for (const [name, type] of all.flatMap((inputs) => Object.entries(inputs))) {
    const known = together[name] ?? type;
    if (known.dtype !== type.dtype || known.per !== type.per || known.padding !== type.padding)
      throw new RangeError(`two objectives have an input "${name}" of different types: no sum of them can be made`);
    together[name] = type;
  }
  return together;
};
