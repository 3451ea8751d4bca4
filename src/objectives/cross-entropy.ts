/** Cross-entropy of a segmentation, as a graph fragment. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { tensorOf } from "../tensor.ts";

/** [N,H,W] int32 labels to bool [N,C,H,W]; void (255, or any value that is no class) is false in every channel. */
export const oneHot = (op: Builder, labels: Value, classes: number): Value => {
  const iota = tensorOf(
    "int32",
    [1, classes, 1, 1],
    Array.from({ length: classes }, (_, i) => i),
  );
  return op.Equal(op.Unsqueeze(labels, op.ints([1])), op.tensor(iota, "classes"));
};

/**
 * −Σ ln softmax(z)[y] over the pixels that are not void: the paper's loss, summed (sign() removes the scale).
 *
 * @param logits float32 [N,C,H,W]
 * @param labels int32 [N,H,W], 255 = void
 * @returns a scalar
 */
export const crossEntropy = (op: Builder, logits: Value, labels: Value): Value => {
  const picked = op.Where(oneHot(op, labels, logits.shape[1]!), op.LogSoftmax(logits, { axis: 1 }), op.constant(0));
  return op.Neg(op.ReduceSum(picked, op.ints([0, 1, 2, 3]), { keepdims: 0 }));
};
