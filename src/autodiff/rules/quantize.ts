/**
 * Quantisation, straight-through (Bengio et al. 2013; Jacob et al. 2018): rounding counts as the identity, saturation does
 * not. The cotangent of an integer tensor is a float tensor, in units of its integer steps.
 */

import type { Value } from "../../onnx/value.ts";
import { intOf } from "../../onnx/graph.ts";
import type { VjpContext, VjpRule } from "../rule.ts";
import { fixedWeights } from "./weights.ts";

const ranges: Readonly<Record<string, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/** Scale and zero point, shaped to broadcast along the quantisation axis. */
const alongAxis = ({ op, node }: VjpContext, x: Value, v: Value): Value => {
  if (v.shape.length === 0 || v.shape[0] === 1) return op.Reshape(v, op.ints([]));
  const raw = intOf(node, "axis", 1);
  const axis = raw < 0 ? raw + x.shape.length : raw;
  return op.Reshape(v, op.ints(x.shape.slice(axis).map((_, i) => (i === 0 ? v.shape[0]! : 1))));
};

/** y = (q − z)·s; dq = dy·s. */
export const DequantizeLinear: VjpRule = [
  (dy, context, q, scale) => context.op.Mul(dy, alongAxis(context, q, scale)),
  fixedWeights,
  fixedWeights,
];

/** q = clamp(round(x/s) + z); dx = dq/s where the rounded value lies inside the integers' range, else 0. */
export const QuantizeLinear: VjpRule = [
  (dq, context, x, scale) => {
    const { op, y, inputs } = context;
    const [low, high] = ranges[y.dtype]!;
    const s = alongAxis(context, x, scale);
    const zero = inputs[2] ? op.cast(alongAxis(context, x, inputs[2]), x.dtype) : op.constant(0, x.dtype);
    const bound = (level: number) => op.Mul(op.Sub(op.constant(level, x.dtype), zero), s);
    const inside = op.And(op.GreaterOrEqual(x, bound(low - 0.5)), op.LessOrEqual(x, bound(high + 0.5)));
    return op.Where(inside, op.Div(dq, s), op.constant(0, dq.dtype));
  },
  fixedWeights,
  fixedWeights,
];
