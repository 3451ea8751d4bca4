/** The least-likely class of each pixel, as a graph fragment. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";

/**
 * The least-likely class of each pixel: argmin over the scored classes, from the logits of this very run: recomputed at every step of an iterative attack.
 *
 * @param logits float32 [N,C,H,W]
 * @param scored how many of the C outputs are classes; the rest are never chosen.
 * @returns int32 [N,H,W]
 */
export const leastLikely = (op: Builder, logits: Value, scored: number): Value => {
  const all = logits.shape[1] === scored;
  const classes = all ? logits : op.Slice(logits, op.ints([0]), op.ints([scored]), op.ints([1]));
  return op.cast(op.ArgMin(classes, { axis: 1, keepdims: 0 }), "int32");
};
