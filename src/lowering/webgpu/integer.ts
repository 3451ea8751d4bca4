/**
 * Convolutions of quantised tensors on their integers, held as float32, in the arithmetic of onnxruntime's QLinearConv: the
 * sum of products is exact (below 2²⁴, and otherwise to float32's precision), and one factor scales it to the codes of the next tensor.
 */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import { tensorOf } from "../../tensor.ts";
import { pinned, type GpuRule, type IntegerSum } from "./rule.ts";

/** The product of float32 numbers, rounded to float32 as in the kernels. */
const product = (a: number, b: number): number => Math.fround(a * b);
const quotient = (a: number, b: number): number => Math.fround(a / b);

/** One number per channel of [N,C,…], or a scalar. */
const perChannel = (op: Builder, values: readonly number[], rank: number, name: string): Value => {
  const shape = values.length === 1 ? [] : [values.length, ...Array.from({ length: rank - 2 }, () => 1)];
  return op.tensor(tensorOf("float32", shape, values), name);
};

/** Whether the scale of the bias equals that of the sum in every channel; both are per tensor or per channel. */
const sameUnits = (bias: readonly number[], scales: readonly number[]): boolean => {
  const many = bias.length > 1 ? bias : scales;
  return many.every((_, i) => {
    const [b, s] = [bias, scales].map((of) => of[of.length === 1 ? 0 : i]!) as [number, number];
    return Math.abs(b - s) <= 1e-6 * Math.abs(s);
  });
};

/** y = s_x·s_w·Σ (x − z_x)·(w − z_w) with one scale for activations, and one scale or one per output channel for weights. */
export const Conv: GpuRule = ({ op, node, known }, x, w, bias = null) => {
  const [a, b] = [x, w].map((v) => v && known.dequantized.get(v.name));
  const units = bias && known.dequantized.get(bias.name);
  if (!a || !b || (bias && !units) || a.scales.length !== 1 || (b.scales.length !== 1 && b.axis !== 0)) return null;
  const scales = b.scales.map((s) => product(a.scales[0]!, s));
  if (units && !sameUnits(units.scales, scales)) return null;
  const inputs = [a.integers(), b.integers(), ...(units ? [units.integers()] : [])];
  const sum = op.appendNode("Conv", inputs, node.attributes)[0]!;
  const y = op.Mul(sum, perChannel(op, scales, sum.shape.length, "unit"));
  known.sums.set(y.name, { sum, scales });
  return [y];
};

/** max(s·Σ, 0) = s·max(Σ, 0), s ≥ 0 */
export const Relu: GpuRule = ({ op, known }, x) => {
  const found = x && known.sums.get(x.name);
  if (!found || found.scales.some((s) => s < 0)) return null;
  const y = op.Relu(x);
  known.sums.set(y.name, { ...found, sum: op.Relu(found.sum) });
  return [y];
};

/**
 * The sum in units of `scale`: Σ·(s_x·s_w/s_y), one multiplication. It is pinned because onnxruntime would otherwise multiply the
 * weights by the factor (ConvMulFusion), after which they are not integers.
 */
export const rescaled = (op: Builder, { sum, scales }: IntegerSum, scale: number): Value => {
  const factors = scales.map((s) => quotient(s, scale));
  return op.Mul(pinned(op, sum), perChannel(op, factors, sum.shape.length, "factor"));
};
