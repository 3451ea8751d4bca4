/** Cross-entropy of a segmentation, as a graph fragment. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { tensorOf } from "../tensor.ts";
import type { Built, Objective } from "./objective.ts";
import { gathered, labelled, map, scattered, total, type Labelled } from "./pixels.ts";

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

/** The cross-entropy of each pixel and what it is made of; maps of one value a pixel are [N,1,h,w]. */
export interface CrossEntropyTerms extends Labelled {
  /** −ln p[y], p = softmax(z); 0 where the pixel is void. */
  readonly losses: Value;
  /** e^(z − max z) [N,C,h,w], which is p times its sum over the classes. */
  readonly exp: Value;
  /**
   * Σ w·∂(−ln p[y])/∂z = w·(p − onehot(y)) for weights w that are held fixed, and 0 where the pixel is void. The labels are
   * gathered and scattered, so that beside the exponentials no tensor of the logits' size is made.
   */
  readonly gradient: (weights: Value) => Value;
}

export const crossEntropyTerms = (op: Builder, logits: Value, labels: Value): CrossEntropyTerms => {
  const pixels = labelled(op, logits, labels);
  const { counted, own } = pixels;
  const { max, exp, sum } = exponentials(op, logits);
  // −ln softmax(z)[y] = max + ln Σ e^(z − max) − z[y]
  const losses = op.Mul(counted, op.Sub(op.Add(max, op.Log(sum)), gathered(op, logits, own)));
  return {
    ...pixels,
    losses,
    exp,
    gradient: (weights) => scattered(op, op.Mul(exp, op.Div(weights, sum)), own, op.Neg(weights)),
  };
};

/**
 * −Σ ln softmax(z)[y] over the pixels that are not void, with its gradient in closed form, ∂/∂z = v·(softmax(z) − onehot), where
 * v = 1 where the pixel is not void: the start of the backward pass, in fewer and smaller steps than differentiating the loss.
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
  const { losses, counted, gradient } = crossEntropyTerms(op, logits, labels);
  return { loss: total(op, losses), gradient: gradient(counted) };
};

/**
 * An objective whose cotangent is that of cross-entropy with a weight for each pixel that is held fixed: the form of most
 * attacks on segmentation since.
 *
 * @param weights [N,1,h,w], 0 where the pixel is void.
 * @param terms [N,1,h,w]: what the value is the sum of; the cross-entropies themselves by default.
 */
export const weightedCrossEntropy = (
  op: Builder,
  { losses, gradient }: CrossEntropyTerms,
  weights: Value,
  terms: Value = losses,
): Built => ({ value: total(op, terms), cotangent: gradient(weights), terms: map(op, terms) });

/** The paper's loss: climbed away from the labels that are given, or descended towards them. */
export const crossEntropyObjective = (targeted: boolean): Objective => ({
  key: "cross-entropy",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const terms = crossEntropyTerms(op, logits, inputs["target"]!);
    return weightedCrossEntropy(op, terms, terms.counted);
  },
});
