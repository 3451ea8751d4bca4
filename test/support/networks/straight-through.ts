/**
 * Straight-through by hand. At a point x₀ each QuantizeLinear is replaced by the line of slope 1/s through its value there,
 * by a constant where it saturates: a function whose derivative at x₀ is what the straight-through gradient is defined to be.
 */

import { nodeOf } from "../../../src/lowering/node.ts";
import type { Graph, Node } from "../../../src/onnx/graph.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { passing } from "../cases/straight-through.ts";
import { interpret } from "../interpreter.ts";

const levels: Readonly<Record<string, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/** The one number of an initializer: scales and zero points of activations are per tensor. */
const single = (graph: Graph, name: string): { readonly value: number; readonly dtype: string } => {
  const t = graph.initializers.get(name);
  if (t?.data.length !== 1) throw new RangeError(`"${name}" is not a known number`);
  return { value: numbersOf(t)[0]!, dtype: t.dtype };
};

/** The values of the first inputs and of the outputs of some nodes, by name. */
const observe = (graph: Graph, nodes: readonly Node[], feeds: Readonly<Record<string, Tensor>>) => {
  const names = nodes.flatMap((n) => [n.inputs[0]!, ...n.outputs]);
  const outputs = [...new Set(names)].map((name) => ({ name, dtype: "float32" as const, shape: null }));
  return interpret({ ...graph, outputs }, feeds);
};

/** The scale and the range of the integers; where both come from the data, the scale of this run and no end. */
const affineOf = (graph: Graph, { op, inputs, outputs }: Node, at: Readonly<Record<string, Tensor>>) => {
  if (op === "DynamicQuantizeLinear") return { scale: numbersOf(at[outputs[1]!]!)[0]!, low: -Infinity, high: Infinity };
  const { value: scale } = single(graph, inputs[1]!);
  const { value: zero, dtype } = single(graph, inputs[2]!);
  const [low, high] = passing(levels[dtype]!, [zero]).map((level) => level - zero) as [number, number];
  return { scale, low, high };
};

/** `graph` made straight at `feeds`. */
export const straightened = (graph: Graph, feeds: Readonly<Record<string, Tensor>>): Graph => {
  const quantizers = graph.nodes.filter((n) => ["QuantizeLinear", "DynamicQuantizeLinear"].includes(n.op));
  const at = observe(graph, quantizers, feeds);
  const initializers = new Map(graph.initializers);
  const lines = new Map<Node, readonly Node[]>();
  for (const q of quantizers) {
    const [x, y] = [q.inputs[0]!, q.outputs[0]!];
    const { scale, low, high } = affineOf(graph, q, at);
    const values = numbersOf(at[x]!);
    const slope = values.map((v) => (v / scale >= low && v / scale <= high ? 1 / scale : 0));
    const rest = numbersOf(at[y]!).map((level, i) => level - slope[i]! * values[i]!);
    initializers.set(`${y}_slope`, tensorOf("float64", at[x]!.shape, slope));
    initializers.set(`${y}_rest`, tensorOf("float64", at[x]!.shape, rest));
    for (const parameter of q.outputs.slice(1)) initializers.set(parameter, at[parameter]!);
    lines.set(q, [nodeOf("Mul", `${y}_line`, x, `${y}_slope`), nodeOf("Add", y, `${y}_line`, `${y}_rest`)]);
  }
  return { ...graph, initializers, nodes: graph.nodes.flatMap((n) => lines.get(n) ?? [n]) };
};
