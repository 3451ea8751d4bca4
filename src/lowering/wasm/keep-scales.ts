/** Prevents onnxruntime from misinterpreting the scales of quantised tensors: their axis, their number, or the scale of a bias. */

import { intOf, type Graph, type Node } from "../../onnx/graph.ts";
import { normaliseAxis } from "../../onnx/value.ts";
import { numbersOf } from "../../tensor.ts";
import { copied, passed } from "./keep-indices.ts";

/** Operators without integer kernels. */
const floatKernels = new Set(["ConvTranspose", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Identity"]);

/** Whether the integer kernel of `reader` supports constants of this shape, dequantised by `q` per axis, as its input `index`. */
const isTaken = (q: Node, shape: readonly number[] | undefined, reader: Node, index: number): boolean => {
  const isBias = index === 2 && (reader.op === "Conv" || reader.op === "Gemm");
  if (floatKernels.has(reader.op) || isBias) return true;
  if (!shape || index !== 1 || intOf(q, "block_size", 0) !== 0) return false;
  const axis = normaliseAxis(q, intOf(q, "axis", 1), shape.length);
  if (reader.op === "Conv") return axis === 0;
  if (reader.op === "Gemm") return axis === (intOf(reader, "transB", 0) === 1 ? 0 : 1);
  return reader.op === "MatMul" && axis === shape.length - 1;
};

type Scales = (name: string | undefined) => readonly number[] | undefined;

/** Whether the scale of a Gemm's bias is the product of the scales of its factors, as its integer kernel assumes. */
const hasProductScale = ({ inputs }: Node, scalesOf: Scales): boolean => {
  const [a, b, bias] = inputs.map(scalesOf);
  if (!a || !b || !bias) return true;
  const many = [a, b, bias].reduce((longest, of) => Math.max(longest, of.length), 1);
  const at = (of: readonly number[], i: number): number => of[of.length === 1 ? 0 : i]!;
  return Array.from({ length: many }, (_, i) => [at(bias, i), at(a, i) * at(b, i)] as const).every(
    ([own, unit]) => Math.abs(own - unit) <= 1e-6 * Math.abs(unit),
  );
};

/**
 * onnxruntime (1.30, QDQ selectors) replaces operators between DequantizeLinear and QuantizeLinear with integer kernels without
 * checking for scales per index of an axis. The kernels support one scale per output channel for weights, and one scale per tensor
 * for everything else; with other scales they fail or return wrong numbers (weights along another axis, Softmax). The kernel of
 * Gemm does not check the scale of its bias either. Such a value (of a Gemm its second factor) therefore goes through max(y, y),
 * which prevents the replacement. Returns `graph` itself if there are none.
 */
export const keepScales = (graph: Graph): Graph => {
  const { initializers, nodes } = graph;
  const isAlong = ({ inputs: [, scale = ""] }: Node): boolean => (initializers.get(scale)?.data.length ?? 1) > 1;
  const standard = nodes.filter((n) => n.domain === "");
  const quantizers = new Set(standard.filter((n) => n.op === "QuantizeLinear" && isAlong(n)));
  const dequantizers = new Map(
    standard.flatMap((n) => (n.op === "DequantizeLinear" ? [[n.outputs[0]!, n] as const] : [])),
  );
  const makers = new Map(standard.flatMap((n) => n.outputs.map((name) => [name, n] as const)));
  const scalesOf: Scales = (name = "") => {
    const made = makers.get(name);
    if (made && passed.has(made.op)) return scalesOf(made.inputs[0]);
    const scale = made?.op === "DequantizeLinear" ? initializers.get(made.inputs[1]!) : undefined;
    return scale && numbersOf(scale);
  };
  const isFused = (made: Node, reader: Node, index: number): boolean =>
    (reader.op !== "Gemm" || index !== 1 || hasProductScale(reader, scalesOf)) &&
    (!isAlong(made) || isTaken(made, initializers.get(made.inputs[0]!)?.shape, reader, index));
  const apart = (name: string): string => `${name}_apart`;
  const separated = new Set<string>();
  const inputs = nodes.map((node) =>
    node.inputs.map((name, i) => {
      const made = dequantizers.get(name);
      if (!made || isFused(made, node, i)) return name;
      separated.add(name);
      return apart(name);
    }),
  );
  if (quantizers.size === 0 && separated.size === 0) return graph;
  return {
    ...graph,
    nodes: nodes.flatMap((node, i): Node[] => {
      const [x = "", ...rest] = inputs[i]!;
      const [y = ""] = node.outputs;
      if (quantizers.has(node)) return [copied(x, `${y}_given`), { ...node, inputs: [`${y}_given`, ...rest] }];
      const own = { ...node, inputs: inputs[i]! };
      return separated.has(y) ? [own, copied(y, apart(y))] : [own];
    }),
  };
};
