/** Keeps onnxruntime from taking quantisation along an axis for that along another, or of whole tensors. */

import { intOf, type Graph, type Node } from "../graph.ts";
import { normaliseAxis } from "../value.ts";
import { copied } from "./keep-indices.ts";

/** Without integer kernels: transposed convolutions, and what moves elements about. */
const onFloats = new Set(["ConvTranspose", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Identity"]);

/** Whether a reader's integer kernel takes constants `q` [shape] that were dequantised so as its input `index`. */
const isTaken = (q: Node, shape: readonly number[] | undefined, reader: Node, index: number): boolean => {
  const isBias = index === 2 && (reader.op === "Conv" || reader.op === "Gemm");
  if (onFloats.has(reader.op) || isBias) return true;
  if (!shape || index !== 1 || intOf(q, "block_size", 0) !== 0) return false;
  const axis = normaliseAxis(q, intOf(q, "axis", 1), shape.length);
  if (reader.op === "Conv") return axis === 0;
  if (reader.op === "Gemm") return axis === (intOf(reader, "transB", 0) === 1 ? 0 : 1);
  return reader.op === "MatMul" && axis === shape.length - 1;
};

/**
 * onnxruntime (1.30, QDQ selectors) puts integer kernels in place of operators between DequantizeLinear and QuantizeLinear and
 * does not look whether these have a scale for each index of an axis. The kernels take one scale for each output channel of
 * weights, and one for all else: they fail, or give wrong numbers (of weights along another axis, of Softmax). Here such a
 * value goes through max(y, y), with which nothing is fused. Returns `graph` itself where there are none.
 */
export const keepAxes = (graph: Graph): Graph => {
  const { initializers, nodes } = graph;
  const isAlong = ({ inputs: [, scale = ""] }: Node): boolean => (initializers.get(scale)?.data.length ?? 1) > 1;
  const along = nodes.filter((n) => n.domain === "" && /^(Deq|Q)uantizeLinear$/.test(n.op) && isAlong(n));
  const quantizers = new Set(along.filter((n) => n.op === "QuantizeLinear"));
  const dequantizers = new Map(along.filter((n) => !quantizers.has(n)).map((n) => [n.outputs[0]!, n]));
  const apart = (name: string): string => `${name}_apart`;
  const separated = new Set<string>();
  const inputs = nodes.map((node) =>
    node.inputs.map((name, i) => {
      const made = dequantizers.get(name);
      if (!made || isTaken(made, initializers.get(made.inputs[0]!)?.shape, node, i)) return name;
      separated.add(name);
      return apart(name);
    }),
  );
  if (quantizers.size === 0 && separated.size === 0) return graph;
  return {
    ...graph,
    nodes: nodes.flatMap((node, i): Node[] => {
      const [x = "", ...rest] = inputs[i]!;
      const [y = ""] = node.outputs;
      if (quantizers.has(node)) return [copied(x, `${y}_given`), { ...node, inputs: [`${y}_given`, ...rest] }];
      const own = { ...node, inputs: inputs[i]! };
      return separated.has(y) ? [own, copied(y, apart(y))] : [own];
    }),
  };
};
