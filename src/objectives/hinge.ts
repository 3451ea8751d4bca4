/** Hinge and softplus of each pixel's margin: what attacks descend that look for the smallest perturbation. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { atClasses, largest, rival } from "./margin.ts";
import type { Objective } from "./objective.ts";
import { gathered, labelled, map, total } from "./pixels.ts";

/** A function of the excess and its derivative, [N,1,h,w]. */
interface Shaped {
  readonly value: Value;
  readonly slope: Value;
}

/**
 * Σ f(c) over the pixels that are not void, where the excess c is z[y] − max_{k≠y} z[k] of labels y to leave, and
 * max_{k≠y} z[k] − z[y] of labels to approach: positive until the attack is done with a pixel. A rule sees c of each pixel.
 */
const ofExcess =
  (key: string, shape: (op: Builder, excess: Value) => Shaped) =>
  (targeted: boolean): Objective => ({
    key: targeted ? `${key} targeted` : key,
    sense: -1,
    inputs: { target: { dtype: "int32", per: "pixel" } },
    build: (op, logits, { inputs }) => {
      const pixels = labelled(op, logits, inputs["target"]!);
      const { own, counted } = pixels;
      const other = rival(op, largest(op, logits, 2), pixels);
      const [up, down] = targeted ? [other.class, own] : [own, other.class];
      const excess = op.Mul(counted, op.Sub(gathered(op, logits, up), gathered(op, logits, down)));
      const { value, slope } = shape(op, excess);
      const [terms, each] = [op.Mul(counted, value), op.Mul(counted, slope)];
      const cotangent = atClasses(op, logits, [
        { class: up, coefficient: each },
        { class: down, coefficient: op.Neg(each) },
      ]);
      return { value: total(op, terms), cotangent, terms: map(op, terms), perPixel: map(op, excess) };
    },
  });

/**
 * f(c) = max(c, 0): the loss f₆ of Carlini and Wagner (2017, arXiv 1608.04644) at confidence 0, of each pixel. The subgradient at 0
 * is 1, because a tie is not moved yet.
 */
export const hingeObjective = ofExcess("hinge", (op, excess) => ({
  value: op.Relu(excess),
  slope: op.cast(op.GreaterOrEqual(excess, op.constant(0, excess.dtype)), excess.dtype),
}));

/** f(c) = ln(1 + eᶜ), computed as max(c, 0) + ln(1 + e^−|c|): Matyasko and Chau (2021, arXiv 2106.01538). */
export const softplusMarginObjective = ofExcess("softplus-margin", (op, excess) => {
  const one = op.constant(1, excess.dtype);
  return {
    value: op.Add(op.Relu(excess), op.Log(op.Add(one, op.Exp(op.Neg(op.Abs(excess)))))),
    slope: op.Sigmoid(excess),
  };
});
