/** Margins between logits, of each pixel. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Objective } from "./objective.ts";
import { gathered, labelled, map, predicted, scattered, total, type Labelled } from "./pixels.ts";

/** A logit of each pixel, and its class (int32); both [N,1,h,w]. */
export interface Ranked {
  readonly value: Value;
  readonly class: Value;
}

/** Taken off a logit, no other is as small. */
const FAR = -1e30;

/**
 * The k largest logits of each pixel, the largest first and of equal ones the first. Each is found as an ArgMax after those
 * before it were taken away, since the indices of TopK are int64, which WebGPU lacks.
 *
 * @throws OnnxError where there are fewer classes than that.
 */
export const largest = (op: Builder, logits: Value, k: number): readonly Ranked[] => {
  const classes = logits.shape[1]!;
  if (classes < k)
    throw new OnnxError(`this objective needs at least ${k} classes, and the network has ${classes}`, "objective");
  const ranked: Ranked[] = [];
  for (let rest = logits; ranked.length < k;) {
    const best = predicted(op, rest);
    ranked.push({ value: gathered(op, logits, best), class: best });
    const far = op.Expand(op.constant(FAR, logits.dtype), op.ints(best.shape));
    rest = scattered(op, rest, best, far);
  }
  return ranked;
};

/** max_{k≠y} z[k] and its class, from the two largest logits. */
export const rival = (op: Builder, [first, second]: readonly Ranked[], { own }: Labelled): Ranked => {
  const isOwn = op.Equal(first!.class, own);
  return {
    value: op.Where(isOwn, second!.value, first!.value),
    class: op.Where(isOwn, second!.class, first!.class),
  };
};

/** Σ coefficient·onehot(class): the cotangent of what depends on a few logits of each pixel. Shaped as the logits. */
export const atClasses = (
  op: Builder,
  { dtype, shape }: Value,
  parts: readonly { readonly class: Value; readonly coefficient: Value }[],
): Value => parts.reduce((sum, part) => scattered(op, sum, part.class, part.coefficient), op.zeros({ dtype, shape }));

/**
 * Σ m, m = z[y] − max_{k≠y} z[k] over the pixels that are not void: positive while the label is predicted. It is descended, or,
 * where labels are targeted, climbed. A rule sees m of each pixel.
 */
export const marginObjective = (targeted: boolean): Objective => ({
  key: "margin",
  sense: targeted ? 1 : -1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const pixels = labelled(op, logits, inputs["target"]!);
    const { own, counted } = pixels;
    const other = rival(op, largest(op, logits, 2), pixels);
    const margins = op.Mul(counted, op.Sub(gathered(op, logits, own), other.value));
    const cotangent = atClasses(op, logits, [
      { class: own, coefficient: counted },
      { class: other.class, coefficient: op.Neg(counted) },
    ]);
    return { value: total(op, margins), cotangent, terms: map(op, margins), perPixel: map(op, margins) };
  },
});
