/** Exact rewrites of a network and its gradient for speed and memory on onnxruntime's WASM backend. */

import type { Builder } from "../../onnx/build.ts";
import { intOf, type Graph, type Node } from "../../onnx/graph.ts";
import { convTransposeWindow } from "../../onnx/infer/window.ts";
import type { Lower } from "../../onnx/load.ts";
import type { TensorType, Value } from "../../onnx/value.ts";
import { tensor, type Tensor } from "../../tensor.ts";
import { mish, softplus } from "../../autodiff/rules/softplus.ts";
import { subpixelBack } from "../../autodiff/rules/subpixel.ts";
import { constantWeights } from "../../autodiff/rules/weights.ts";

/** ConvTranspose with constant weights as a convolution and a DepthToSpace. */
const lowerConvTranspose: Lower = (op, { inputs, attributes }, outputs) => {
  const [x, w, bias] = inputs;
  const node: Node = { name: "", op: "ConvTranspose", domain: "", inputs: [], outputs, attributes };
  const weights = x && w && intOf(node, "group", 1) === 1 ? constantWeights(op, w) : null;
  if (!weights || (bias && !bias.constant)) return null;
  const window = convTransposeWindow(node, x!, w!);
  const y = subpixelBack(op, x!, weights, window.output, window, bias?.constant);
  return y && [y];
};

const elementwise =
  (f: (op: Builder, x: Value) => Value): Lower =>
  (op, { inputs: [x] }) =>
    x ? [f(op, x)] : null;

const lowered: Readonly<Record<string, Lower>> = {
  ConvTranspose: lowerConvTranspose,
  Softplus: elementwise(softplus),
  Mish: elementwise(mish),
};

/** Operators that are rewritten for speed if their form allows it. */
export const loweredOperators: readonly string[] = Object.keys(lowered);

/** The rewrites for every network on onnxruntime's WASM backend. */
export const lowerForward: Lower = (op, node, outputs) =>
  Object.hasOwn(lowered, node.op) ? lowered[node.op]!(op, node, outputs) : null;

/** The number of optional outputs that save the backward pass work: MaxPool's Indices, LayerNormalization's Mean and InvStdDev. */
const optional: Readonly<Record<string, number>> = { MaxPool: 1, LayerNormalization: 2 };

/** As lowerForward; in addition, these nodes compute their optional outputs. */
export const lowerForGradient: Lower = (op, node, outputs) =>
  Object.hasOwn(optional, node.op) && outputs.length === 1
    ? op.appendNode(node.op, node.inputs, node.attributes, [
        outputs[0]!,
        ...Array.from({ length: optional[node.op]! }, () => ""),
      ])
    : lowerForward(op, node, outputs);

/** Operators whose results are masks of one byte per element, which are kept from the forward to the backward pass. */
const masks = new Set(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And"]);
export const isMask = (node: Node | undefined): boolean => node !== undefined && masks.has(node.op);

/**
 * A node that reads only the first element of `value`, with the initializer that it needs. As a sink it determines when `value` is
 * computed. It is a GatherND because onnxruntime moves the transpositions that it inserts around int8 kernels past a Slice.
 */
export const firstElement = (name: string, value: string, rank: number): readonly [Node, readonly [string, Tensor]] => [
  { name, op: "GatherND", domain: "", inputs: [value, `first_${rank}`], outputs: [name], attributes: {} },
  [`first_${rank}`, tensor("int64", [1, rank], new BigInt64Array(rank))],
];

/**
 * The graph in an order of execution that saves memory: each mask is computed as soon as its float input exists, which then need
 * not be kept for the backward pass; then the outputs are computed in the given order. onnxruntime executes depth first from the
 * sinks (nodes whose results nothing reads), the last sink in the file first. Each mask therefore gets a sink that reads its first
 * element; these are at the end of the file, in reverse order of execution.
 */
export const orderForMemory = (graph: Graph, types: ReadonlyMap<string, TensorType>): Graph => {
  const index = new Map(graph.nodes.flatMap((n, i) => n.outputs.map((name) => [name, i] as const)));
  /** For each node that computes a mask, the position of the last other node on which it depends; −1 if there is none. */
  const ready = new Map<Node, number>();
  for (const node of graph.nodes.filter(isMask)) {
    const sources = node.inputs.map((name) => index.get(name) ?? -1);
    // The nodes are in topological order, so that the masks that this one reads are known.
    ready.set(
      node,
      sources.reduce((latest, i) => Math.max(latest, ready.get(graph.nodes[i]!) ?? i), -1),
    );
  }
  const made = [...ready.keys()].toSorted((a, b) => ready.get(a)! - ready.get(b)!);
  const firsts = made.map(({ outputs: [mask = ""] }, i) =>
    firstElement(`first_of_mask_${i}`, mask, types.get(mask)!.shape.length),
  );
  const reads = new Map<string, number>();
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) reads.set(name, (reads.get(name) ?? 0) + 1);
  const readers = (name: string): number => reads.get(name) ?? 0;
  /** The node that computes an output, preceded by its source if it is an Identity, which onnxruntime removes; empty if other nodes read it. */
  const makers = (name: string, wanted = 0): Node[] => {
    const node = graph.nodes[index.get(name) ?? -1];
    if (!node || node.outputs.some((output) => readers(output) > (output === name ? wanted : 0))) return [];
    return [...(node.op === "Identity" ? makers(node.inputs[0]!, 1) : []), node];
  };
  // A node that computes several outputs is listed once, at the position of the first.
  const last = new Set(graph.outputs.toReversed().flatMap(({ name }) => makers(name)));
  return {
    ...graph,
    nodes: [...graph.nodes.filter((n) => !last.has(n)), ...last, ...firsts.map(([node]) => node).toReversed()],
    initializers: new Map([...graph.initializers, ...firsts.map(([, zeros]) => zeros)]),
  };
};
