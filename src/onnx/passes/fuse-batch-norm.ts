/**
 * Removes BatchNormalization in inference form: it is folded into the weights of the preceding convolution, or becomes Mul and Add.
 * y = s·x + t with s = γ/√(σ² + ε), t = β − μ·s, per channel.
 */

import { sizeOf, tensor, type Tensor } from "../../tensor.ts";
import { floatOf, intOf, tensorAttributeOf, type Graph, type Model, type Node } from "../graph.ts";
import { readsOf } from "../sort.ts";
import { prune } from "./prune.ts";
import { rankOf } from "./rank.ts";

/** Scale and shift per channel, computed in float64. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * The model without BatchNormalization nodes whose parameters are float32 constants. After a Conv or ConvTranspose with constant
 * weights whose output nothing else reads, the node is folded into weights and bias; elsewhere it becomes Mul and Add, if the rank
 * of its input is known. A folded convolution gets weights of its own, because the original ones may be shared. Returns `model`
 * itself if nothing changes.
 */
export const fuseBatchNormalization = (model: Model): Model => {
  let { graph } = model;
  for (let next = fuseOne(graph); next; next = fuseOne(graph)) graph = next;
  graph = split(graph);
  return graph === model.graph ? model : { ...model, graph: prune(graph) };
};

/** The graph with the first BatchNormalization after a convolution folded; null if there is none. */
const fuseOne = (graph: Graph): Graph | null => {
  const producers = new Map(graph.nodes.flatMap((n) => n.outputs.map((name) => [name, n] as const)));
  const reads = new Map<string, number>();
  for (const name of graph.nodes.flatMap(readsOf)) reads.set(name, (reads.get(name) ?? 0) + 1);
  for (const node of graph.nodes) {
    const affine = affineOf(graph, node);
    const conv = affine && producers.get(node.inputs[0]!);
    if (!conv || reads.get(node.inputs[0]!) !== 1) continue;
    if (graph.outputs.some((v) => v.name === conv.outputs[0])) continue;
    const fused = fusedConvolution(graph, conv, affine);
    if (!fused) continue;
    const [y] = node.outputs as [string];
    const names = namesOf(graph);
    const [weight, bias] = [fresh(`${y}_weight`, names), fresh(`${y}_bias`, names)];
    const replacement: Node = { ...conv, inputs: [conv.inputs[0]!, weight, bias], outputs: [y] };
    return {
      ...graph,
      initializers: new Map([...graph.initializers, [weight, fused.weight], [bias, fused.bias]]),
      nodes: graph.nodes.flatMap((n) => (n === node ? [] : n === conv ? [replacement] : [n])),
    };
  }
  return null;
};

/** Replaces the remaining BatchNormalization nodes with Mul and Add. */
const split = (graph: Graph): Graph => {
  const initializers = new Map(graph.initializers);
  const names = namesOf(graph);
  const nodes = graph.nodes.flatMap((node) => {
    const affine = affineOf(graph, node);
    const rank = affine && rankOf(graph, node.inputs[0]!);
    if (!affine || !rank || rank < 2) return [node];
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const [scale, shift, product, name] = [`${y}_scale`, `${y}_shift`, `${y}_scaled`, `${node.name}_shift`].map((n) =>
      fresh(n, names),
    ) as [string, string, string, string];
    const shape = [affine.scale.length, ...Array.from({ length: rank - 2 }, () => 1)];
    initializers.set(scale, tensor("float32", shape, new Float32Array(affine.scale)));
    initializers.set(shift, tensor("float32", shape, new Float32Array(affine.shift)));
    const mul: Node = { ...node, op: "Mul", inputs: [x, scale], outputs: [product], attributes: {} };
    return [mul, { ...mul, name, op: "Add", inputs: [product, shift], outputs: [y] }];
  });
  return nodes.length === graph.nodes.length ? graph : { ...graph, initializers, nodes };
};

/** Scale and shift of a BatchNormalization in its inference form with constant parameters; null for any other node. */
const affineOf = (graph: Graph, node: Node): Affine | null => {
  if (node.op !== "BatchNormalization" || node.domain !== "") return null;
  if (intOf(node, "training_mode", 0) !== 0 || intOf(node, "spatial", 1) !== 1) return null;
  if (node.outputs.slice(1).some((name) => name !== "")) return null;
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => constantOf(graph, node.inputs[i]));
  if (!gamma || !beta || !mean || !variance) return null;
  if ([beta, mean, variance].some((t) => t.length !== gamma.length)) return null;
  const epsilon = floatOf(node, "epsilon", 1e-5);
  const scale = Float64Array.from(gamma, (g, i) => g / Math.sqrt(variance[i]! + epsilon));
  return { scale, shift: Float64Array.from(beta, (b, i) => b - mean[i]! * scale[i]!) };
};

/** A float32 constant (an initializer or a Constant, possibly through Identity nodes); null for any other value. */
const constantTensorOf = (graph: Graph, name: string | undefined): Tensor<"float32"> | null => {
  const found = name === undefined ? undefined : graph.initializers.get(name);
  if (found) return found.dtype === "float32" ? (found as Tensor<"float32">) : null;
  const node = graph.nodes.find((n) => n.outputs.includes(name ?? "") && n.domain === "");
  if (node?.op === "Identity") return constantTensorOf(graph, node.inputs[0]);
  const value = node?.op === "Constant" ? tensorAttributeOf(node, "value", undefined) : undefined;
  return value?.dtype === "float32" ? (value as Tensor<"float32">) : null;
};

const constantOf = (graph: Graph, name: string | undefined): Float32Array | null =>
  constantTensorOf(graph, name)?.data ?? null;

/** w′ = w·s and b′ = b·s + t per output channel; null if the weights of the convolution are not constant. */
const fusedConvolution = (
  graph: Graph,
  conv: Node,
  { scale, shift }: Affine,
): { readonly weight: Tensor; readonly bias: Tensor } | null => {
  if ((conv.op !== "Conv" && conv.op !== "ConvTranspose") || conv.domain !== "") return null;
  const w = constantTensorOf(graph, conv.inputs[1]);
  const hasBias = conv.inputs[2] !== undefined && conv.inputs[2] !== "";
  const b = hasBias ? constantOf(graph, conv.inputs[2]) : new Float32Array(scale.length);
  if (!w || !b || b.length !== scale.length) return null;
  const channels = conv.op === "Conv" ? w.shape[0] : w.shape[1]! * intOf(conv, "group", 1);
  if (channels !== scale.length) return null;
  const channel = outputChannels(conv, w.shape);
  const inner = sizeOf(w.shape.slice(2));
  const data = w.data.map((v, i) => v * scale[channel(Math.floor(i / inner))]!);
  return {
    weight: tensor("float32", w.shape, data),
    bias: tensor(
      "float32",
      [scale.length],
      Float32Array.from(scale, (s, i) => b[i]! * s + shift[i]!),
    ),
  };
};

/** The output channel of kernel `index`: the weights of Conv are [M, C/g, …], those of ConvTranspose [C, M/g, …]. */
const outputChannels = (conv: Node, [rows, columns]: readonly number[]): ((index: number) => number) => {
  if (conv.op === "Conv") return (index) => Math.floor(index / columns!);
  const rowsPerGroup = rows! / intOf(conv, "group", 1);
  return (index) => Math.floor(Math.floor(index / columns!) / rowsPerGroup) * columns! + (index % columns!);
};

/** All names of a graph, including those of its nodes. */
const namesOf = (graph: Graph): Set<string> =>
  new Set([
    ...graph.inputs.map((v) => v.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((n) => [n.name, ...n.outputs, ...readsOf(n)]),
  ]);

/** `name`, with a number appended if it is taken; the result is added to `taken`. */
const fresh = (name: string, taken: Set<string>): string => {
  let unique = name;
  for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
  taken.add(unique);
  return unique;
};
