/** Cross-entropy of a segmentation, as a graph fragment. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { tensorOf } from "../tensor.ts";
import type { Objective } from "./objective.ts";

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

/** e^(z − max z) and its sum over the classes: softmax and its logarithm without the transpositions of onnxruntime's Softmax. */
export const exponentials = (op: Builder, logits: Value): { max: Value; exp: Value; sum: Value } => {
  const max = op.ReduceMax(logits, op.ints([1]), { keepdims: 1 });
  const exp = op.Exp(op.Sub(logits, max));
  return { max, exp, sum: op.ReduceSum(exp, op.ints([1]), { keepdims: 1 }) };
};

/**
 * −Σ ln softmax(z)[y] over the pixels that are not void, with its gradient in closed form, ∂/∂z = v·(softmax(z) − onehot), where
 * v = 1 where the pixel is not void: the start of the backward pass, in fewer and smaller steps than differentiating the loss.
 * The labels are gathered and scattered, so that beside the exponentials no tensor of the logits' size is made.
 *
 * @param logits float32 [N,C,H,W]
 * @param labels int32 [N,H,W]; what is no class (such as 255) is void
 * @returns loss: a scalar; gradient: shaped as the logits.
 */
export const crossEntropyWithGradient = (
  op: Builder,
  logits: Value,
  labels: Value,
): { loss: Value; gradient: Value } => {
  const classes = op.constant(logits.shape[1]!, "int32");
  const zero = op.constant(0, "int32");
  const known = op.And(op.Less(labels, classes), op.GreaterOrEqual(labels, zero));
  const counted = op.Unsqueeze(op.cast(known, logits.dtype), op.ints([1]));
  const own = op.Unsqueeze(op.Where(known, labels, zero), op.ints([1]));
  const { max, exp, sum } = exponentials(op, logits);
  // −ln softmax(z)[y] = max + ln Σ e^(z − max) − z[y]
  const losses = op.Mul(counted, op.Sub(op.Add(max, op.Log(sum)), op.GatherElements(logits, own, { axis: 1 })));
  return {
    loss: op.ReduceSum(losses, op.ints([0, 1, 2, 3]), { keepdims: 0 }),
    gradient: op.ScatterElements(op.Mul(exp, op.Div(counted, sum)), own, op.Neg(counted), {
      axis: 1,
      reduction: "add",
    }),
  };
};

/** The paper's loss: climbed away from the labels that are given, or descended towards them. */
export const crossEntropyObjective = (targeted: boolean): Objective => ({
  key: "cross-entropy",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const { loss, gradient } = crossEntropyWithGradient(op, logits, inputs["target"]!);
    return { value: loss, cotangent: gradient };
  },
});
