/** Ranks of values in a model without fixed sizes. */

import type { Graph } from "../graph.ts";

/** Operators whose first output has the rank of their first input. */
const rankPreserving = new Set(
  (
    "Abs AveragePool BatchNormalization Cast Ceil Celu Clip Concat Cos CumSum DepthToSpace DequantizeLinear Dropout " +
    "Elu Erf Exp Floor Gelu GlobalAveragePool GlobalMaxPool GlobalLpPool GridSample GroupNormalization HardSigmoid HardSwish Identity " +
    "InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LpPool MaxPool MaxUnpool " +
    "MeanVarianceNormalization Mish Neg PRelu Pad QuantizeLinear Reciprocal Relu Resize ReverseSequence Round Selu Shrink Sigmoid " +
    "Sign Sin Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Tan Tanh ThresholdedRelu Transpose Upsample"
  ).split(" "),
);

/** Broadcasting operators: the rank of the output is the largest rank of the inputs. */
const broadcasting = new Set("Add Sub Mul Div Pow Max Min Sum Mean".split(" "));

/** The rank of a value, or null if it cannot be determined. */
export const rankOf = (graph: Graph, name: string): number | null => {
  const ranks = new Map<string, number | null>();
  for (const v of graph.inputs) ranks.set(v.name, v.shape?.length ?? null);
  for (const [key, t] of graph.initializers) ranks.set(key, t.shape.length);
  for (const node of graph.nodes) {
    const known = node.inputs.map((input) => ranks.get(input) ?? null);
    const rank = node.domain === "" ? outputRank(node.op, known) : null;
    for (const output of node.outputs) ranks.set(output, rank);
    const value = node.attributes["value"];
    if (node.op === "Constant" && value?.type === "tensor") ranks.set(node.outputs[0]!, value.value.shape.length);
  }
  return ranks.get(name) ?? null;
};

const outputRank = (op: string, inputs: readonly (number | null)[]): number | null => {
  // The rank of the weights, which are usually constant, is known more often than that of the input.
  if (op === "Conv" || op === "ConvTranspose") return inputs[1] ?? inputs[0] ?? null;
  if (rankPreserving.has(op)) return inputs[0] ?? null;
  if (!broadcasting.has(op) || inputs.includes(null)) return null;
  return Math.max(...inputs.map(Number));
};
