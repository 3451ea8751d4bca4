/**
 * Quantisation with the straight-through estimator (Bengio et al. 2013; Jacob et al. 2018): rounding is differentiated as the
 * identity, saturation as a constant. The cotangent of an integer tensor is a float tensor, the derivative by the integer.
 */

import { intOf } from "../../onnx/graph.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { unsupportedForm, type Vjp, type VjpContext, type VjpRule } from "../rule.ts";
import { convInput } from "./conv.ts";
import { matMulBack } from "./linear.ts";
import { fixedWeights } from "./weights.ts";

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
};

/** A scale or zero point, reshaped to broadcast against `x`: per tensor, per index of the axis, or per block along the axis. */
const alongAxis = ({ op, node }: VjpContext, x: Value, v: Value): Value => {
  if (v.shape.length === 0 || (v.shape.length === 1 && v.shape[0] === 1)) return op.Reshape(v, op.ints([]));
  const axis = normaliseAxis(node, intOf(node, "axis", 1), x.shape.length);
  const block = intOf(node, "block_size", 0);
  if (block === 0) return op.Reshape(v, op.ints(x.shape.slice(axis).map((_, i) => (i === 0 ? v.shape[0]! : 1))));
  const repeated = [...v.shape.slice(0, axis + 1), block, ...v.shape.slice(axis + 1)];
  const spread = op.Expand(op.Unsqueeze(v, op.ints([axis + 1])), op.ints(repeated));
  const whole = op.Reshape(spread, op.ints(v.shape.map((d, i) => (i === axis ? d * block : d))));
  return op.Slice(whole, op.ints([0]), op.ints([x.shape[axis]!]), op.ints([axis]));
};

/** Whether a code is the zero point of at least one channel or block; an absent zero point is 0. */
const mayStandForZero = (zero: Value | null | undefined, code: number): boolean => {
  if (!zero) return code === 0;
  return !zero.constant || Array.from(zero.constant.data, Number).includes(code);
};

/** y = (q − z)·s; dq = dy·s. */
export const DequantizeLinear: VjpRule = [
  (dy, context, q, scale) => context.op.Mul(dy, alongAxis(context, q, scale)),
  fixedWeights,
  fixedWeights,
];

/**
 * q = clamp(round(x/s) + z); dx = dq/s where q is not saturated, else 0. The smallest and largest code are treated as saturated, so
 * that the mask depends on q only, x has one reader, and onnxruntime fuses the quantisation with the convolution that produces x.
 * If such a code represents zero, as after a ReLU, this would mask too much (small values round to it); the mask is then computed
 * from x: whether it rounds to a code in the range.
 */
export const QuantizeLinear: VjpRule = [
  (dq, context, x, scale) => {
    const { op, node, y, inputs } = context;
    const [low, high] = ranges[y.dtype] ?? unsupportedForm(node, `${y.dtype} results`);
    const s = alongAxis(context, x, scale);
    const zero = inputs[2] ? op.cast(alongAxis(context, x, inputs[2]), x.dtype) : op.constant(0, x.dtype);
    const bound = (level: number) => op.Mul(op.Sub(op.constant(level, x.dtype), zero), s);
    const level = (code: number) => op.constant(code, y.dtype);
    const above = mayStandForZero(inputs[2], low) ? op.GreaterOrEqual(x, bound(low - 0.5)) : op.Greater(y, level(low));
    const below = mayStandForZero(inputs[2], high) ? op.LessOrEqual(x, bound(high + 0.5)) : op.Less(y, level(high));
    return op.Where(op.And(above, below), op.Div(dq, s), op.constant(0, dq.dtype));
  },
  fixedWeights,
  fixedWeights,
];

/**
 * q = round(x/s) + z with s and z from the range of x, so that nothing saturates; dx = dq/s. The derivatives through s, here and in
 * the dequantisation, cancel: up to rounding, s·(q − z) = x for any s.
 */
export const DynamicQuantizeLinear: VjpRule = [(dq, { op, outputs }) => op.Div(dq, outputs[1])];

/** q − z as floats. */
const centred = ({ op }: VjpContext, dtype: Value["dtype"], q: Value, zero: Value | null | undefined): Value =>
  zero ? op.Sub(op.cast(q, dtype), op.cast(zero, dtype)) : op.cast(q, dtype);

/** The zero points per row of the left factor, reshaped to broadcast along its second-last axis. */
const perRow = (op: VjpContext["op"], zero: Value | null | undefined): Value | null | undefined =>
  zero?.shape.length === 1 && zero.shape[0] !== 1 ? op.Unsqueeze(zero, op.ints([1])) : zero;

/** y = (w − z_w) ⋆ (x − z_x) on integers; dx = the transposed convolution of dy with w − z_w. */
export const ConvInteger: VjpRule = [
  (dy, context, x, w) => {
    const { op, inputs } = context;
    // As the output of a DequantizeLinear, the weights are recognised as constant (`constantWeights`).
    const scale = op.constant(1, dy.dtype);
    return convInput(dy, context, x, op.DequantizeLinear(w, scale, inputs[3] && op.Reshape(inputs[3], op.ints([]))));
  },
  fixedWeights,
  fixedWeights,
  fixedWeights,
];

const matMulInteger =
  (side: "left" | "right"): Vjp =>
  (dy, context, a, b) => {
    const { op, inputs } = context;
    const left = centred(context, dy.dtype, a, perRow(op, inputs[2]));
    return matMulBack(side)(dy, context, left, centred(context, dy.dtype, b, inputs[3]));
  };

/** y = (a − z_a)·(b − z_b) on integers. */
export const MatMulInteger: VjpRule = [matMulInteger("left"), matMulInteger("right"), fixedWeights, fixedWeights];
