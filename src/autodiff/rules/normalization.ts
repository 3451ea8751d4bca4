/** Normalisation in evaluation mode: an affine map of each channel. */

import { floatOf } from "../../onnx/graph.ts";
import { numbersOf, tensorOf } from "../../tensor.ts";
import type { VjpRule } from "../rule.ts";
import { fixedWeights } from "./weights.ts";

/** y = γ·(x − μ)/√(σ² + ε) + β; dx = dy·γ/√(σ² + ε), μ and σ² being constants. */
export const BatchNormalization: VjpRule = [
  (dy, { op, node }, x, scale, _, __, variance) => {
    const epsilon = floatOf(node, "epsilon", 1e-5);
    const shape = [x.shape[1]!, ...x.shape.slice(2).map(() => 1)];
    if (scale.constant && variance.constant) {
      const gamma = numbersOf(scale.constant);
      const factors = numbersOf(variance.constant).map((v, i) => gamma[i]! / Math.sqrt(v + epsilon));
      return op.Mul(dy, op.tensor(tensorOf("float32", shape, factors), "batch_norm_factor"));
    }
    const deviation = op.Sqrt(op.Add(variance, op.constant(epsilon, variance.dtype)));
    return op.Mul(dy, op.Reshape(op.Div(scale, deviation), op.ints(shape)));
  },
  fixedWeights,
  fixedWeights,
  fixedWeights,
  fixedWeights,
];
