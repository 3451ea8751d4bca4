/** A graph for native onnxruntime: as for WASM, with whose optimiser it shares its faults, but for zero points and PRelu. */

import type { Graph, Node } from "../onnx/graph.ts";
import { tensor, sizeOf, type Tensor } from "../tensor.ts";
import { nodeOf } from "./node.ts";

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

const zero: Tensor = tensor("float32", [], new Float32Array(1));

/**
 * PRelu as max(x, 0) + α·min(x, 0), which is the same to the bit, since one of the terms is 0. onnxruntime's own kernel branches on the sign of each
 * element: on a photograph, whose signs cannot be predicted, it takes four times as long as on a regular pattern. Returns `graph` itself if there are none.
 */
export const withoutBranches = (graph: Graph): Graph => {
  const isPRelu = ({ op, domain, inputs: [, slope = ""] }: Node): boolean =>
    op === "PRelu" && domain === "" && graph.initializers.get(slope)?.dtype === "float32";
  if (!graph.nodes.some(isPRelu)) return graph;
  const split = (node: Node): readonly Node[] => {
    const [x = "", slope = ""] = node.inputs;
    const [y = ""] = node.outputs;
    const [above, below, scaled] = ["above", "below", "scaled"].map((part) => `${y}_${part}`) as [
      string,
      string,
      string,
    ];
    return [
      nodeOf("Min", below, x, "native_zero"),
      nodeOf("Mul", scaled, below, slope),
      nodeOf("Relu", above, x),
      nodeOf("Add", y, above, scaled),
    ];
  };
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => (isPRelu(node) ? split(node) : [node])),
    initializers: new Map([...graph.initializers, ["native_zero", zero]]),
  };
};

export const lowerForNative = (graph: Graph): Graph => withoutBranches(withZeroPoints(graph));
