/** Prevents onnxruntime from changing the Indices of a max-pooling. */

import type { Graph, Node } from "../../onnx/graph.ts";
import { readsOf } from "../../onnx/sort.ts";

/** y = max(x, x), a copy past which onnxruntime moves nothing and with which it fuses nothing. */
export const copied = (x: string, y: string): Node => ({
  name: `${y}_copied`,
  op: "Max",
  domain: "",
  inputs: [x, x],
  outputs: [y],
  attributes: {},
});

/** Operators past which onnxruntime moves QuantizeLinear upwards and DequantizeLinear downwards. */
export const passed = new Set(["MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Identity"]);

/** Whether a value is read by QuantizeLinear only, directly or through such operators. */
const quantizedOnly = ({ nodes, outputs }: Graph): ((name: string) => boolean) => {
  const results = new Set(outputs.map((v) => v.name));
  const readers = new Map<string, Node[]>();
  for (const node of nodes) for (const name of readsOf(node)) readers.set(name, [...(readers.get(name) ?? []), node]);
  const only = (name: string): boolean =>
    !results.has(name) &&
    readers.has(name) &&
    readers.get(name)!.every((n) => n.op === "QuantizeLinear" || (passed.has(n.op) && only(n.outputs[0]!)));
  return only;
};

/**
 * onnxruntime (1.30, QDQPropagation, from the basic optimisations on) moves a QuantizeLinear from the output of a MaxPool to its
 * input if nothing else reads that output. The values stay the same, but Indices become those of the first of equal codes in a
 * window instead of the maximum's. To prevent this, such values go through max(y, y). Returns `graph` itself if there are none.
 */
export const keepIndices = (graph: Graph): Graph => {
  const read = new Set([...graph.outputs.map((v) => v.name), ...graph.nodes.flatMap(readsOf)]);
  const quantized = quantizedOnly(graph);
  const moved = ({ op, domain, outputs: [y = "", indices = ""] }: Node): boolean =>
    op === "MaxPool" && domain === "" && read.has(indices) && quantized(y);
  if (!graph.nodes.some(moved)) return graph;
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!moved(node)) return [node];
    const [y = "", ...rest] = node.outputs;
    const pooled = `${y}_before_quantization`;
    return [{ ...node, outputs: [pooled, ...rest] }, copied(pooled, y)];
  });
  return { ...graph, nodes };
};
