/** How a network is written when its gradient is wanted: exact rewrites for speed and memory. */

import type { Builder } from "../../onnx/build.ts";
import { intOf, type Graph, type Node } from "../../onnx/graph.ts";
import { convTransposeWindow } from "../../onnx/infer/window.ts";
import type { Lower } from "../../onnx/load.ts";
import type { TensorType, Value } from "../../onnx/value.ts";
import { tensor, type Tensor } from "../../tensor.ts";
import { mish, softplus } from "../../autodiff/rules/softplus.ts";
import { subpixelBack } from "../../autodiff/rules/subpixel.ts";
import { constantWeights } from "../../autodiff/rules/weights.ts";

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

const elementwise =
  (f: (op: Builder, x: Value) => Value): Lower =>
  (op, { inputs: [x] }) =>
    x ? [f(op, x)] : null;

const lowered: Readonly<Record<string, Lower>> = {
  ConvTranspose: lowerConvTranspose,
  Softplus: elementwise(softplus),
  Mish: elementwise(mish),
};

/** Operators that are written with others for speed, where their form allows it. */
export const loweredOperators: readonly string[] = Object.keys(lowered);

/** How every network is written for onnxruntime's WASM backend. */
export const lowerForward: Lower = (op, node, outputs) =>
  Object.hasOwn(lowered, node.op) ? lowered[node.op]!(op, node, outputs) : null;

/** Outputs that spare the backward pass the work of the forward pass: MaxPool's Indices, the mean and deviation of layers. */
const optional: Readonly<Record<string, number>> = { MaxPool: 1, LayerNormalization: 2 };

/** As lowerForward; and these nodes give their optional outputs too. */
export const lowerForGradient: Lower = (op, node, outputs) =>
  Object.hasOwn(optional, node.op) && outputs.length === 1
    ? op.appendNode(node.op, node.inputs, node.attributes, [
        outputs[0]!,
        ...Array.from({ length: optional[node.op]! }, () => ""),
      ])
    : lowerForward(op, node, outputs);

/** Their results are masks of one byte an element, kept from the forward to the backward pass. */
const masks = new Set(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And"]);
export const isMask = (node: Node | undefined): boolean => node !== undefined && masks.has(node.op);

/**
 * A node that reads no more than the first element of `value`, and the initializer that it needs: what follows nothing else, to be
 * executed then. A GatherND, as onnxruntime moves the transpositions that it adds around int8 kernels through a Slice, behind it.
 */
export const firstElement = (name: string, value: string, rank: number): readonly [Node, readonly [string, Tensor]] => [
  { name, op: "GatherND", domain: "", inputs: [value, `first_${rank}`], outputs: [name], attributes: {} },
  [`first_${rank}`, tensor("int64", [1, rank], new BigInt64Array(rank))],
];

/**
 * The graph in the order of execution that needs the least memory: each mask as soon as its float input exists, which then
 * need not live until the backward pass; then the outputs in the order given. onnxruntime executes depth first from the nodes
 * that nothing reads, last in the file first; so each mask gets such a node, its first element, and these stand at the end
 * of the file, the first to be executed last.
 */
export const orderForMemory = (graph: Graph, types: ReadonlyMap<string, TensorType>): Graph => {
  const index = new Map(graph.nodes.flatMap((n, i) => n.outputs.map((name) => [name, i] as const)));
  /** The place of the last node that a mask waits for. */
  const ready = ({ inputs }: Node): number =>
    Math.max(
      ...inputs.map((name) => index.get(name) ?? -1).map((i) => (isMask(graph.nodes[i]) ? ready(graph.nodes[i]!) : i)),
    );
  const made = graph.nodes.filter(isMask).toSorted((a, b) => ready(a) - ready(b));
  const firsts = made.map(({ outputs: [mask = ""] }, i) =>
    firstElement(`first_of_mask_${i}`, mask, types.get(mask)!.shape.length),
  );
  const reads = new Map<string, number>();
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) reads.set(name, (reads.get(name) ?? 0) + 1);
  const readers = (name: string): number => reads.get(name) ?? 0;
  /** The node that makes an output, and the one before it where it is but an Identity, which onnxruntime leaves out; none that others read. */
  const makers = (name: string, wanted = 0): Node[] => {
    const node = graph.nodes[index.get(name) ?? -1];
    if (!node || node.outputs.some((output) => readers(output) > (output === name ? wanted : 0))) return [];
    return [...(node.op === "Identity" ? makers(node.inputs[0]!, 1) : []), node];
  };
  // A node that makes several outputs stands where the first of them asks for it, once.
  const last = [...new Set(graph.outputs.toReversed().flatMap(({ name }) => makers(name)))];
  return {
    ...graph,
    nodes: [...graph.nodes.filter((n) => !last.includes(n)), ...last, ...firsts.map(([node]) => node).toReversed()],
    initializers: new Map([...graph.initializers, ...firsts.map(([, zeros]) => zeros)]),
  };
};
