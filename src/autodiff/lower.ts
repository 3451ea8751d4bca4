/** How a network is written when its gradient is wanted: exact rewrites for speed and memory. */

import type { Graph } from "../onnx/graph.ts";
import type { Lower } from "../onnx/load.ts";

/** MaxPool also gives its Indices, so that the backward pass need not pool again. */
export const lowerForGradient: Lower = (op, { op: operator, inputs, attributes }, outputs) =>
  operator === "MaxPool" && outputs.length === 1
    ? op.appendNode("MaxPool", inputs, attributes, [outputs[0]!, ""])
    : null;

/** Their results are masks of one byte an element, kept from the forward to the backward pass. */
const masks = new Set(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And"]);

/**
 * The nodes that make masks, moved to the end of the file. onnxruntime executes depth first and, among a node's inputs,
 * takes the one that stands last in the file first; so each mask is made as soon as its float input exists, which then need
 * not live until the backward pass. For onnxruntime only: standard ONNX wants files in topological order.
 */
export const orderForMemory = (graph: Graph): Graph => {
  const late = (op: string) => masks.has(op);
  return { ...graph, nodes: [...graph.nodes.filter((n) => !late(n.op)), ...graph.nodes.filter((n) => late(n.op))] };
};
