/** What the rules of convolutions share: weights as constants, and the refusal to differentiate by them. */

import { newData, sizeOf, stridesOf, tensor, type Tensor } from "../../tensor.ts";
import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import { unsupportedForm, type Vjp } from "../rule.ts";

/** An attack needs no weight gradient; weights that depend on the image are refused rather than taken for constant. */
export const fixedWeights: Vjp = (_, { node }) => unsupportedForm(node, "weights that depend on the image");

/** The elements of `w` where they are known now: a constant, or int8 weights behind their DequantizeLinear. */
export const constantWeights = (op: Builder, w: Value): Tensor<"float32"> | null => {
  if (w.constant?.dtype === "float32") return w.constant as Tensor<"float32">;
  const producer = op.producer(w);
  if (producer?.node.op !== "DequantizeLinear") return null;
  const [q, scale, zero] = producer.inputs.map((v) => v?.constant);
  const axis = producer.node.attributes["axis"];
  if (!q || !scale || (producer.inputs[2] && !zero) || producer.node.attributes["block_size"]) return null;
  return dequantize(q, scale, zero, axis?.type === "int" ? axis.value : 1);
};

/** (q − zero)·scale, the scale per tensor or along `axis`. */
const dequantize = (q: Tensor, scale: Tensor, zero: Tensor | undefined, axis: number): Tensor<"float32"> => {
  const data = new Float32Array(q.data.length);
  const stride = stridesOf(q.shape)[axis] ?? 1;
  for (let i = 0; i < data.length; i++) {
    const channel = scale.data.length === 1 ? 0 : Math.floor(i / stride) % scale.data.length;
    data[i] = (Number(q.data[i]) - Number(zero?.data[channel] ?? 0)) * Number(scale.data[channel]);
  }
  return tensor("float32", q.shape, data);
};

/** Weights [M, C/g, k…] of a convolution to those of its adjoint as a convolution: [C, M/g, k…], the kernel reversed. */
export const flipped = (w: Tensor, group: number): Tensor => {
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
};
