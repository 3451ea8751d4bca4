/** How a network is written when its gradient is wanted: exact rewrites for speed and memory. */

import { intOf, type Graph, type Node } from "../onnx/graph.ts";
import { convTransposeWindow } from "../onnx/infer/window.ts";
import type { Lower } from "../onnx/load.ts";
import { subpixelBack } from "./rules/subpixel.ts";
import { constantWeights } from "./rules/weights.ts";

/** ConvTranspose with known weights as a convolution and a DepthToSpace. */
const lowerConvTranspose: Lower = (op, { inputs, attributes }, outputs) => {
  const [x, w, bias] = inputs;
  const node: Node = { name: "", op: "ConvTranspose", domain: "", inputs: [], outputs, attributes };
  const weights = x && w && intOf(node, "group", 1) === 1 ? constantWeights(op, w) : null;
  if (!weights || (bias && !bias.constant)) return null;
  const window = convTransposeWindow(node, x!, w!);
  const y = subpixelBack(op, x!, weights, window.output, window, bias?.constant);
  return y && [y];
};

/** How every network is written for onnxruntime's WASM backend. */
export const lowerForward: Lower = (op, node, outputs) =>
  node.op === "ConvTranspose" ? lowerConvTranspose(op, node, outputs) : null;

/** As lowerForward; and MaxPool also gives its Indices, so that the backward pass need not pool again. */
export const lowerForGradient: Lower = (op, node, outputs) =>
  node.op === "MaxPool" && outputs.length === 1
    ? op.appendNode("MaxPool", node.inputs, node.attributes, [outputs[0]!, ""])
    : lowerForward(op, node, outputs);

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
