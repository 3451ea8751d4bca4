/** Elementwise operators without a kernel, written by ONNX's definitions. */

import { floatOf, intOf } from "../../onnx/graph.ts";
import { broadcastShapes, normaliseAxis, type Value } from "../../onnx/value.ts";
import { sameShape, sizeOf } from "../../tensor.ts";
import { onFloats, type GpuContext, type GpuRule } from "./rule.ts";

const c = ({ op }: GpuContext, value: number): Value => op.constant(value);
const above = (context: GpuContext, x: Value, bound: number): Value => context.op.Greater(x, c(context, bound));
const below = (context: GpuContext, x: Value, bound: number): Value => context.op.Less(x, c(context, bound));

/** [x > 0] − [x < 0] */
export const Sign: GpuRule = onFloats((context, x) => {
  const { op } = context;
  return op.Sub(op.cast(above(context, x, 0), "float32"), op.cast(below(context, x, 0), "float32"));
});

/** Round half to even: adding 2²³ leaves no bits of float32 for a fraction, and numbers from 2²³ on have no fraction. */
export const Round: GpuRule = onFloats((context, x) => {
  const { op } = context;
  const large = c(context, 2 ** 23);
  const magnitude = op.Abs(x);
  const rounded = op.Sub(op.Add(magnitude, large), large);
  const result = op.Where(op.Less(magnitude, large), rounded, magnitude);
  return op.Where(below(context, x, 0), op.Neg(result), result);
});

/** γ·elu(x, α) */
export const Selu: GpuRule = onFloats((context, x) => {
  const { op, node } = context;
  const alpha = floatOf(node, "alpha", 1.6732632423543772);
  return op.Mul(op.Elu(x, { alpha }), c(context, floatOf(node, "gamma", 1.0507009873554805)));
});

/** x for x > 0, else α·(e^(x/α) − 1) */
export const Celu: GpuRule = onFloats((context, x) => {
  const { op, node } = context;
  const alpha = c(context, floatOf(node, "alpha", 1));
  return op.Where(above(context, x, 0), x, op.Mul(alpha, op.Elu(op.Div(x, alpha))));
});

/** x/(1 + |x|) */
export const Softsign: GpuRule = onFloats((context, x) =>
  context.op.Div(x, context.op.Add(context.op.Abs(x), c(context, 1))),
);

/** x + bias for x < −λ, x − bias for x > λ, else 0 */
export const Shrink: GpuRule = onFloats((context, x) => {
  const { op, node } = context;
  const [bias, lambda] = [c(context, floatOf(node, "bias", 0)), floatOf(node, "lambd", 0.5)];
  const right = op.Where(above(context, x, lambda), op.Sub(x, bias), c(context, 0));
  return op.Where(below(context, x, -lambda), op.Add(x, bias), right);
});

/** Σ over the inputs */
export const Sum: GpuRule = ({ op }, ...inputs) => {
  const values = inputs.filter((v) => v !== null);
  return values.every((v) => v.dtype === "float32") ? [values.reduce((sum, v) => op.Add(sum, v))] : null;
};

export const Mean: GpuRule = (context, ...inputs) => {
  const sum = Sum(context, ...inputs);
  return sum && [context.op.Div(sum[0], c(context, inputs.length))];
};

/** x − y·⌊x/y⌋, or with fmod x − y·trunc(x/y) */
export const Mod: GpuRule = (context, x, y) => {
  if (x?.dtype !== "float32" || !y) return null;
  const { op, node } = context;
  const ratio = op.Div(x, y);
  const floored = op.Floor(ratio);
  const truncated = op.Where(below(context, ratio, 0), op.Ceil(ratio), floored);
  return [op.Sub(x, op.Mul(y, intOf(node, "fmod", 0) === 1 ? truncated : floored))];
};

/** z − ln Σ e^z, z = x − max x */
export const LogSoftmax: GpuRule = onFloats(({ op, node }, x) => {
  const axes = op.ints([normaliseAxis(node, intOf(node, "axis", -1), x.shape.length)]);
  const z = op.Sub(x, op.ReduceMax(x, axes, { keepdims: 1 }));
  return op.Sub(z, op.Log(op.ReduceSum(op.Exp(z), axes, { keepdims: 1 })));
});

/** The shader of onnxruntime 1.30 does not compile if both inputs are broadcast, or if one is broadcast that is not a scalar. */
export const Pow: GpuRule = ({ op, node }, x, y) => {
  if (x?.dtype !== "float32" || !y || sameShape(x.shape, y.shape) || sizeOf(y.shape) === 1) return null;
  const shape = broadcastShapes(node, [x.shape, y.shape]);
  const whole = (v: Value): Value => (sameShape(v.shape, shape) ? v : op.Expand(v, op.ints(shape)));
  return [op.Pow(whole(x), whole(y))];
};
