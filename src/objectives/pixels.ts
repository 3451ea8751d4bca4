/**
 * What objectives share that compare each pixel with a label. Maps of one value a pixel are [N,1,h,w] here, so that they
 * broadcast over the classes of the logits [N,C,h,w].
 */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";

/** Labels, safe to gather with. */
export interface Labelled {
  /** bool: whether the label is one of the C classes; void (255) is none. */
  readonly known: Value;
  /** The same as 0 and 1, in the type of the logits. */
  readonly counted: Value;
  /** int32: the label, or class 0 where there is none. */
  readonly own: Value;
}

/** @param labels int32 [N,h,w] */
export const labelled = (op: Builder, logits: Value, labels: Value): Labelled => {
  const zero = op.constant(0, "int32");
  const map = op.Unsqueeze(labels, op.ints([1]));
  const known = op.And(op.Less(map, op.constant(logits.shape[1]!, "int32")), op.GreaterOrEqual(map, zero));
  return { known, counted: op.cast(known, logits.dtype), own: op.Where(known, map, zero) };
};

/** int32: the class with the largest logit, of equal ones the first. */
export const predicted = (op: Builder, logits: Value): Value =>
  op.cast(op.Unsqueeze(op.ArgMax(logits, { axis: 1, keepdims: 0 }), op.ints([1])), "int32");

/** bool: whether the prediction is the label; false where there is no label. */
export const stillRight = (op: Builder, logits: Value, { known, own }: Labelled): Value =>
  op.And(known, op.Equal(predicted(op, logits), own));

/** bool: whether a pixel is yet to be changed: still right, or, where labels are targeted, not yet at its target. */
export const unfinished = (op: Builder, logits: Value, pixels: Labelled, targeted: boolean): Value => {
  const right = stillRight(op, logits, pixels);
  return targeted ? op.And(pixels.known, op.Not(right)) : right;
};

/** The logit, or another value of a class, of one class in each pixel. */
export const gathered = (op: Builder, values: Value, classes: Value): Value =>
  op.GatherElements(values, classes, { axis: 1 });

/** `update` added to the value of one class in each pixel. */
export const scattered = (op: Builder, values: Value, classes: Value, update: Value): Value =>
  op.ScatterElements(values, classes, update, { axis: 1, reduction: "add" });

/** A scalar: the sum over all pixels. */
export const total = (op: Builder, terms: Value): Value => op.ReduceSum(terms, op.ints([0, 1, 2, 3]), { keepdims: 0 });

/** [N,1,h,w] to [N,h,w]. */
export const map = (op: Builder, values: Value): Value => op.Squeeze(values, op.ints([1]));
