/**
 * Quantisation simulated in float32: integers are represented exactly, and rounding and saturation follow the operators, so that
 * the numbers are the same.
 */

import type { Builder } from "../../onnx/build.ts";
import { intOf, type Node } from "../../onnx/graph.ts";
import { inferTypes } from "../../onnx/infer.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { numbersOf, tensorOf } from "../../tensor.ts";
import { constantWeights } from "../../autodiff/rules/weights.ts";
import { rescaled } from "./integer.ts";
import { roundSmall, type Dequantized, type GpuRule } from "./rule.ts";

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
};

/** A scale or zero point per tensor or per index of the axis, reshaped to broadcast against `x`; null for blocks. */
const alongAxis = (op: Builder, node: Node, x: Value, v: Value): Value | null => {
  const count = v.shape.reduce((a, b) => a * b, 1);
  if (count === 1) return op.Reshape(v, op.ints([]));
  if (intOf(node, "block_size", 0) !== 0) return null;
  const axis = normaliseAxis(node, intOf(node, "axis", 1), x.shape.length);
  return op.Reshape(v, op.ints(x.shape.slice(axis).map((_, i) => (i === 0 ? count : 1))));
};

/** The zero point as float32: a constant (0 if absent), or the output of a DynamicQuantizeLinear. */
const zeroPoint = (op: Builder, node: Node, x: Value, zero: Value | null | undefined): Value | null => {
  if (!zero) return op.constant(0);
  const floats = zero.constant
    ? op.tensor(tensorOf("float32", zero.shape, numbersOf(zero.constant)), "zero_point")
    : zero;
  return floats.dtype === "float32" ? alongAxis(op, node, x, floats) : null;
};

/** min(max(v, low), high), as Clip if the bounds are scalars. */
const clipped = (op: Builder, v: Value, low: Value, high: Value): Value =>
  low.shape.length === 0 ? op.Clip(v, low, high) : op.Min(op.Max(v, low), high);

/** q = clamp(round(x/s) + z, …) = round(clamp(x/s, … − z)) + z: the bounds are integers. */
export const QuantizeLinear: GpuRule = ({ op, node, known }, x, scale, zero = null) => {
  if (x?.dtype !== "float32" || !scale) return null;
  // A zero point that is not constant comes from a DynamicQuantizeLinear.
  const range = ranges[zero && !zero.constant ? "uint8" : inferTypes(node, [x, scale, zero])[0]!.dtype];
  const [s, z] = [alongAxis(op, node, x, scale), zeroPoint(op, node, x, zero)];
  if (!range || !s || !z) return null;
  const [low, high] = range.map((level) => op.Sub(op.constant(level), z));
  const sum = scale.constant?.data.length === 1 ? known.sums.get(x.name) : undefined;
  const steps = sum ? rescaled(op, sum, Number(scale.constant!.data[0])) : op.Div(x, s);
  const value = roundSmall(op, clipped(op, steps, low!, high!));
  const zeros = zero ? (zero.constant ? numbersOf(zero.constant) : null) : [0];
  const q = zeros?.every((v) => v === 0) ? value : op.Add(value, z);
  if (zeros) known.centred.set(q.name, { value, zero: zeros });
  return [q];
};

/** Constant scales per tensor or per index of an axis; null for blocks. */
const scalesOf = (node: Node, x: Value, scale: Value): Pick<Dequantized, "scales" | "axis"> | null => {
  if (!scale.constant || intOf(node, "block_size", 0) !== 0) return null;
  const scales = numbersOf(scale.constant);
  return { scales, axis: scales.length === 1 ? 0 : normaliseAxis(node, intOf(node, "axis", 1), x.shape.length) };
};

/** Constants are dequantised when the graph is built. */
const dequantizeConstant: GpuRule = ({ op, node, known }, q, scale, zero = null) => {
  const dequantized = op.appendNode("DequantizeLinear", [q!, scale!, zero], node.attributes)[0]!;
  const values = constantWeights(op, dequantized);
  const y = values && op.tensor(values, `${q!.name}_float`);
  const scales = scalesOf(node, q!, scale!);
  if (y && scales) {
    const integers = () => {
      const ones = scales.scales.map(() => 1);
      const one = op.tensor(tensorOf("float32", scale!.shape, ones), "one");
      const codes = op.appendNode("DequantizeLinear", [q!, one, zero], node.attributes)[0]!;
      return op.tensor(constantWeights(op, codes)!, `${q!.name}_integers`);
    };
    known.dequantized.set(y.name, { ...scales, integers });
  }
  return y && [y];
};

/** y = (q − z)·s */
export const DequantizeLinear: GpuRule = (context, q, scale, zero = null) => {
  const { op, node, known } = context;
  if (!q || !scale) return null;
  if (q.constant) return dequantizeConstant(context, q, scale, zero);
  if (q.dtype !== "float32") return null;
  const [s, z] = [alongAxis(op, node, q, scale), zeroPoint(op, node, q, zero)];
  if (!s || !z) return null;
  const centred = known.centred.get(q.name);
  const zeros = zero?.constant ? numbersOf(zero.constant) : zero ? null : [0];
  const same = centred && zeros && centred.zero.join() === zeros.join();
  const integers = same ? centred.value : op.Sub(q, z);
  const y = op.Mul(integers, s);
  const scales = scalesOf(node, q, scale);
  if (scales) known.dequantized.set(y.name, { ...scales, integers: () => integers });
  return [y];
};

/** s = (max(0, max x) − min(0, min x))/255, z = round(clamp(−min/s)), q = clamp(round(x/s) + z). */
export const DynamicQuantizeLinear: GpuRule = ({ op }, x) => {
  if (x?.dtype !== "float32") return null;
  const zero = op.constant(0);
  const axes = op.ints(x.shape.map((_, i) => i));
  const [lowest, highest] = [
    op.Min(zero, op.ReduceMin(x, axes, { keepdims: 0 })),
    op.Max(zero, op.ReduceMax(x, axes, { keepdims: 0 })),
  ];
  const s = op.Div(op.Sub(highest, lowest), op.constant(255));
  const clamp = (v: Value) => op.Clip(v, zero, op.constant(255));
  const z = roundSmall(op, clamp(op.Div(op.Neg(lowest), s)));
  return [clamp(op.Add(roundSmall(op, op.Div(x, s)), z)), s, z];
};

/** q − z as float32. */
const centredInteger = (
  op: Builder,
  v: Value,
  zero: Value | null | undefined,
  shape: readonly number[],
): Value | null => {
  const q = v.constant ? op.tensor(tensorOf("float32", v.shape, numbersOf(v.constant)), `${v.name}_float`) : v;
  if (q.dtype !== "float32") return null;
  if (!zero) return q;
  const z = zero.constant ? op.tensor(tensorOf("float32", zero.shape, numbersOf(zero.constant)), "zero_point") : zero;
  return op.Sub(
    q,
    z.shape.length === 1 && z.shape[0] !== 1 ? op.Reshape(z, op.ints(shape)) : op.Reshape(z, op.ints([])),
  );
};

/** Σ (x − z_x)·(w − z_w), exact if the sums are below 2²⁴. The padding is z_x, so that it contributes 0. */
export const ConvInteger: GpuRule = ({ op, node }, x, w, zeroX = null, zeroW = null) => {
  const a = x ? centredInteger(op, x, zeroX, []) : null;
  const b = w ? centredInteger(op, w, zeroW, [w.shape[0]!, ...w.shape.slice(1).map(() => 1)]) : null;
  return a && b && [op.cast(op.appendNode("Conv", [a, b], node.attributes)[0]!, "int32")];
};

export const MatMulInteger: GpuRule = ({ op }, a, b, zeroA = null, zeroB = null) => {
  const left = a ? centredInteger(op, a, zeroA, [-1, 1]) : null;
  const right = b ? centredInteger(op, b, zeroB, [-1]) : null;
  return left && right && [op.cast(op.MatMul(left, right), "int32")];
};
