/** Shared by the rules of convolutions: constant weights, and the refusal to differentiate by weights. */

import { newData, sizeOf, stridesOf, tensor, type Tensor } from "../../tensor.ts";
import type { Builder } from "../../onnx/build.ts";
import { intOf, type Node } from "../../onnx/graph.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { unsupportedForm, type Vjp } from "../rule.ts";

/** Gradients by weights are not implemented; weights that depend on the image are refused instead of being treated as constants. */
export const fixedWeights: Vjp = (_, { node }) => unsupportedForm(node, "weights that depend on the image");

/** `f`, memoised by argument for as long as the weights live: copies of a network in one graph share their weights. */
export const memoized = <W extends WeakKey, A, R>(f: (weights: W, argument: A) => R): typeof f => {
  const known = new WeakMap<W, Map<A, R>>();
  return (weights, argument) => {
    const results = known.get(weights) ?? new Map<A, R>();
    known.set(weights, results);
    if (!results.has(argument)) results.set(argument, f(weights, argument));
    return results.get(argument)!;
  };
};

/** The elements of `w` if they are known when the graph is built: a constant, or a DequantizeLinear of constants; otherwise null. */
export const constantWeights = (op: Builder, w: Value): Tensor<"float32"> | null =>
  w.constant?.dtype === "float32" ? (w.constant as Tensor<"float32">) : dequantized(w, op);

const dequantized = memoized((w: Value, op: Builder): Tensor<"float32"> | null => {
  const producer = op.producer(w);
  if (producer?.node.op !== "DequantizeLinear") return null;
  const [q, scale, zero] = producer.inputs.map((v) => v?.constant);
  if (!q || !scale || (producer.inputs[2] && !zero)) return null;
  return dequantizedWeights(producer.node, q, scale, zero);
});

/** What a DequantizeLinear of these constants gives. */
export const dequantizedWeights = (node: Node, q: Tensor, scale: Tensor, zero?: Tensor): Tensor<"float32"> => {
  const data = new Float32Array(q.data.length);
  const scaleAt = scaleIndex(node, q.shape, scale);
  for (let i = 0; i < data.length; i++) {
    const at = scaleAt(i);
    data[i] = (Number(q.data[i]) - Number(zero?.data[at] ?? 0)) * Number(scale.data[at]);
  }
  return tensor("float32", q.shape, data);
};

/** The index of the scale of a DequantizeLinear that applies to element `i`: per tensor, per channel, or per block. */
const scaleIndex = (node: Node, shape: readonly number[], scale: Tensor): ((i: number) => number) => {
  if (scale.data.length === 1) return () => 0;
  const axis = normaliseAxis(node, intOf(node, "axis", 1), shape.length);
  const [size, inner] = [shape[axis]!, stridesOf(shape)[axis]!];
  const block = intOf(node, "block_size", 0);
  if (block === 0) return (i) => Math.floor(i / inner) % size;
  const blocks = Math.ceil(size / block);
  return (i) =>
    (Math.floor(i / (inner * size)) * blocks + Math.floor((Math.floor(i / inner) % size) / block)) * inner +
    (i % inner);
};

/** The weights [M, C/g, k…] of a convolution as those of its adjoint convolution: [C, M/g, k…] with the kernel reversed. */
export const flipped = memoized((w: Tensor, group: number): Tensor => {
  const [m = 1, c = 1, ...kernel] = w.shape;
  const taps = sizeOf(kernel);
  const perGroup = m / group;
  const data = newData(w.dtype, w.data.length);
  for (let out = 0; out < m; out++) {
    const g = Math.floor(out / perGroup);
    for (let inside = 0; inside < c; inside++) {
      const to = ((g * c + inside) * perGroup + (out % perGroup)) * taps;
      const from = (out * c + inside) * taps;
      for (let k = 0; k < taps; k++) data[to + taps - 1 - k] = w.data[from + k]!;
    }
  }
  return tensor(w.dtype, [c * group, perGroup, ...kernel], data);
});
