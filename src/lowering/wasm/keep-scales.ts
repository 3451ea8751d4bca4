/** Keeps onnxruntime from taking scales of quantised tensors for others: along another axis, of whole tensors, of another bias. */

import { intOf, type Graph, type Node } from "../../onnx/graph.ts";
import { normaliseAxis } from "../../onnx/value.ts";
import { numbersOf } from "../../tensor.ts";
import { copied, passed } from "./keep-indices.ts";

/** Without integer kernels: transposed convolutions, and what moves elements about. */
const onFloats = new Set(["ConvTranspose", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Identity"]);

/** Whether a reader's integer kernel takes constants `q` [shape] that were dequantised so as its input `index`. */
const isTaken = (q: Node, shape: readonly number[] | undefined, reader: Node, index: number): boolean => {
  const isBias = index === 2 && (reader.op === "Conv" || reader.op === "Gemm");
  if (onFloats.has(reader.op) || isBias) return true;
  if (!shape || index !== 1 || intOf(q, "block_size", 0) !== 0) return false;
  const axis = normaliseAxis(q, intOf(q, "axis", 1), shape.length);
  if (reader.op === "Conv") return axis === 0;
  if (reader.op === "Gemm") return axis === (intOf(reader, "transB", 0) === 1 ? 0 : 1);
  return reader.op === "MatMul" && axis === shape.length - 1;
};

type Scales = (name: string | undefined) => readonly number[] | undefined;

/** Whether the bias of a Gemm counts in the product of the factors' scales, as its integer kernel takes for granted. */
const inUnits = ({ inputs }: Node, scalesOf: Scales): boolean => {
  const [a, b, bias] = inputs.map(scalesOf);
  if (!a || !b || !bias) return true;
  const many = [a, b, bias].reduce((most, of) => Math.max(most, of.length), 1);
  const at = (of: readonly number[], i: number): number => of[of.length === 1 ? 0 : i]!;
  return Array.from({ length: many }, (_, i) => [at(bias, i), at(a, i) * at(b, i)] as const).every(
    ([own, unit]) => Math.abs(own - unit) <= 1e-6 * Math.abs(unit),
  );
};

/**
 * onnxruntime (1.30, QDQ selectors) puts integer kernels in place of operators between DequantizeLinear and QuantizeLinear and
 * does not look whether these have a scale for each index of an axis. The kernels take one scale for each output channel of
 * weights, and one for all else: they fail, or give wrong numbers (of weights along another axis, of Softmax). Nor does that of
 * Gemm look at its bias's scale. Here such a value, of a Gemm its second factor, goes through max(y, y), with which nothing is fused. Returns `graph` itself
 * where there are none.
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
    (reader.op !== "Gemm" || index !== 1 || inUnits(reader, scalesOf)) &&
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
