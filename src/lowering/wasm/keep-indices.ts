/** Keeps onnxruntime from changing the Indices of a max-pooling. */

import type { Graph, Node } from "../../onnx/graph.ts";
import { readsOf } from "../../onnx/sort.ts";

/** y = max(x, x): onnxruntime moves nothing past it and fuses nothing with it. */
export const copied = (x: string, y: string): Node => ({
  name: `${y}_copied`,
  op: "Max",
  domain: "",
  inputs: [x, x],
  outputs: [y],
  attributes: {},
});

/** Through these onnxruntime moves a quantisation to the front, and its undoing to the back. */
export const passed = new Set(["MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Identity"]);

/** Whether all that becomes of a value is its quantisation, there or behind such nodes. */
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
 * onnxruntime (1.30, QDQPropagation, from the basic optimisations on) quantises before a MaxPool what is quantised behind it,
 * where nothing else reads what is pooled. The values are the same then, but Indices become those of the first of equal codes
 * in a window instead of its maximum's. Here such values go through max(y, y), past which nothing is moved. Returns `graph`
 * itself where there are none.
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
