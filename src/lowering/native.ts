/** A graph for native onnxruntime: as for WASM, whose optimiser it shares, but for zero points. */

import type { Graph } from "../onnx/graph.ts";
import { tensor, sizeOf } from "../tensor.ts";

/**
 * Each DequantizeLinear of int8 constants without a zero point gets one, 0, in the shape of its scale. onnxruntime (1.30) converts such weights to
 * uint8 where that makes their products exact (`runtime/native`), and would give them one zero point of rank 0, which it then refuses beside
 * scales per channel or per block. Returns `graph` itself if there are none.
 */
export const withZeroPoints = (graph: Graph): Graph => {
  const { initializers } = graph;
  const added = new Map(initializers);
  const nodes = graph.nodes.map((node) => {
    const [weights = "", scale = "", zeroPoint = ""] = node.inputs;
    const scales = initializers.get(scale);
    const lacks = node.op === "DequantizeLinear" && node.domain === "" && zeroPoint === "";
    if (!lacks || !scales || initializers.get(weights)?.dtype !== "int8") return node;
    const name = `${node.outputs[0]}_zero_point`;
    added.set(name, tensor("int8", scales.shape, new Int8Array(sizeOf(scales.shape))));
    return { ...node, inputs: [weights, scale, name] };
  });
  return added.size === initializers.size ? graph : { ...graph, nodes, initializers: added };
};
