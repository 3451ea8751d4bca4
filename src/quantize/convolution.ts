/** The convolutions that quantisation considers. */

import { intOf, intsOf, type Graph, type Node } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";

/** A Conv or ConvTranspose whose weights are initializers. */
export interface Convolution {
  readonly node: Node;
  /** Names of its input and its output. */
  readonly x: string;
  readonly y: string;
  readonly weights: Tensor<"float32">;
  /** Absent where there is no bias. */
  readonly bias?: Tensor<"float32">;
  /** The axis of the output channels among those of `weights`. */
  readonly axis: 0 | 1;
  readonly group: number;
  readonly strides: readonly number[];
}

const isFloat = (t: Tensor | undefined): t is Tensor<"float32"> => t?.dtype === "float32";

/** The node as a convolution; null for other operators, and where weights or bias are not float32 initializers. */
export const convolutionOf = ({ initializers }: Graph, node: Node): Convolution | null => {
  if (node.domain !== "" || (node.op !== "Conv" && node.op !== "ConvTranspose")) return null;
  const [x = "", w = "", b = ""] = node.inputs;
  const [weights, bias] = [initializers.get(w), initializers.get(b)];
  if (!isFloat(weights) || (b !== "" && !isFloat(bias))) return null;
  return {
    node,
    x,
    y: node.outputs[0]!,
    weights,
    ...(isFloat(bias) ? { bias } : {}),
    axis: node.op === "Conv" ? 0 : 1,
    group: intOf(node, "group", 1),
    strides: intsOf(
      node,
      "strides",
      weights.shape.slice(2).map(() => 1),
    ),
  };
};

export const convolutionsOf = (graph: Graph): Convolution[] =>
  graph.nodes.flatMap((node) => convolutionOf(graph, node) ?? []);
