/** The convolutions of a graph, with what quantisation needs to know of each. */

import { intOf, intsOf, type Graph, type Node } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";

/** A Conv or ConvTranspose whose weights are initializers. */
export interface Convolution {
  readonly node: Node;
  /** Names of the input `x` and the output `y`. */
  readonly x: string;
  readonly y: string;
  readonly weights: Tensor<"float32">;
  /** Absent if the node has no bias. */
  readonly bias?: Tensor<"float32">;
  /** The axis of `weights` that numbers the output channels. */
  readonly axis: 0 | 1;
  readonly group: number;
  readonly strides: readonly number[];
}

const isFloat = (t: Tensor | undefined): t is Tensor<"float32"> => t?.dtype === "float32";

/** Null for other operators, and if weights or bias are not float32 initializers. */
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

/** All convolutions, in the order of the graph. */
export const convolutionsOf = (graph: Graph): Convolution[] =>
  graph.nodes.flatMap((node) => convolutionOf(graph, node) ?? []);
