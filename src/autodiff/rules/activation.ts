/** Activations. At a kink the derivative is the one-sided derivative that PyTorch uses. */

import type { Builder } from "../../onnx/build.ts";
import { floatOf, stringOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import type { Vjp, VjpContext, VjpRule } from "../rule.ts";
import { mishSlope } from "./softplus.ts";

/** y = max(x, 0); dx = dy·[y > 0], so that the subgradient at 0 is 0. It is computed from y, so that the runtime may fuse x away. */
export const Relu: VjpRule = [
  (dy, { op, y }) => op.Where(op.Greater(y, op.constant(0, y.dtype)), dy, op.constant(0, dy.dtype)),
];

/** y = x for x > 0, else αx; dx = dy·(1 or α). */
export const LeakyRelu: VjpRule = [
  (dy, { op, node }, x) => {
    const slope = op.constant(floatOf(node, "alpha", 0.01), dy.dtype);
    return op.Where(op.Greater(x, op.constant(0, x.dtype)), dy, op.Mul(dy, slope));
  },
];

/** y = x for x > 0, else αx; dx = dy·(1 or α), dα = dy·x·[x ≤ 0]. */
export const PRelu: VjpRule = [
  (dy, { op }, x, slope) => op.Where(op.Greater(x, op.constant(0, x.dtype)), dy, op.Mul(dy, slope)),
  (dy, { op }, x) => op.Where(op.Greater(x, op.constant(0, x.dtype)), op.constant(0, dy.dtype), op.Mul(dy, x)),
];

/** The sum of all elements, with the shape of `bound`, which has one element. */
const total = (op: Builder, v: Value, bound: Value): Value =>
  op.Reshape(op.ReduceSum(v, { keepdims: 0 }), op.ints(bound.shape));

/** y = min(max(x, low), high); dx = dy·[low < y < high], which is zero at the bounds as in PyTorch's ReLU6; d bound = Σ dy·[y = bound]. */
export const Clip: VjpRule = [
  (dy, { op, y, inputs }) => {
    const [, low, high] = inputs;
    const above = low && op.Greater(y, low);
    const below = high && op.Less(y, high);
    const inside = above && below ? op.And(above, below) : (above ?? below);
    return inside ? op.Where(inside, dy, op.constant(0, dy.dtype)) : dy;
  },
  (dy, { op, inputs }, x, low) => {
    const high = inputs[2];
    const below = op.Less(x, low);
    const taken = high ? op.And(below, op.Less(low, high)) : below;
    return total(op, op.Where(taken, dy, op.constant(0, dy.dtype)), low);
  },
  (dy, { op, inputs }, x, _, high) => {
    const raised = inputs[1] ? op.Max(x, inputs[1]) : x;
    return total(op, op.Where(op.Greater(raised, high), dy, op.constant(0, dy.dtype)), high);
  },
];

/** y = σ(x); dx = dy·y·(1 − y). */
export const Sigmoid: VjpRule = [(dy, { op, y }) => op.Mul(dy, op.Mul(y, op.Sub(op.constant(1, y.dtype), y)))];

/** y = tanh x; dx = dy·(1 − y²). */
export const Tanh: VjpRule = [(dy, { op, y }) => op.Mul(dy, op.Sub(op.constant(1, y.dtype), op.Mul(y, y)))];

/** y = min(max(αx + β, 0), 1); dx = α·dy·[0 < y < 1]. */
export const HardSigmoid: VjpRule = [
  (dy, { op, node, y }) => {
    const inside = op.And(op.Greater(y, op.constant(0, y.dtype)), op.Less(y, op.constant(1, y.dtype)));
    const alpha = op.constant(floatOf(node, "alpha", 0.2), dy.dtype);
    return op.Where(inside, op.Mul(dy, alpha), op.constant(0, dy.dtype));
  },
];

/** y = x·min(max(x/6 + ½, 0), 1); dx = dy·(0 for x ≤ −3, 1 for x ≥ 3, else x/3 + ½). */
export const HardSwish: VjpRule = [
  (dy, { op }, x) => {
    const c = (value: number) => op.constant(value, x.dtype);
    const slope = op.Add(op.Div(x, c(3)), c(0.5));
    const positive = op.Where(op.GreaterOrEqual(x, c(3)), c(1), slope);
    return op.Mul(dy, op.Where(op.LessOrEqual(x, c(-3)), c(0), positive));
  },
];

/** y = ln(1 + eˣ); dx = dy·σ(x). */
export const Softplus: VjpRule = [(dy, { op }, x) => op.Mul(dy, op.Sigmoid(x))];

/** y = erf x; dx = dy·2/√π·e^(−x²). */
export const Erf: VjpRule = [
  (dy, { op }, x) => op.Mul(op.Mul(dy, op.constant(2 / Math.sqrt(Math.PI), dy.dtype)), op.Exp(op.Neg(op.Mul(x, x)))),
];

/** The mask x > 0. It is computed from y if y has the sign of x, so that x need not be kept in memory. */
const positive = ({ op, y }: VjpContext, x: Value, sameSign: boolean): Value =>
  op.Greater(sameSign ? y : x, op.constant(0, x.dtype));

/** y = x for x > 0, else α(eˣ − 1); dx = dy·(1 or y + α). */
export const Elu: VjpRule = [
  (dy, context, x) => {
    const { op, node, y } = context;
    const alpha = floatOf(node, "alpha", 1);
    const left = op.Mul(dy, op.Add(y, op.constant(alpha, y.dtype)));
    return op.Where(positive(context, x, alpha >= 0), dy, left);
  },
];

/** y = γx for x > 0, else γα(eˣ − 1); dx = dy·(γ or y + γα). */
export const Selu: VjpRule = [
  (dy, context, x) => {
    const { op, node, y } = context;
    const [alpha, gamma] = [floatOf(node, "alpha", 1.6732632423543772), floatOf(node, "gamma", 1.0507009873554805)];
    const slope = op.constant(gamma, y.dtype);
    const left = op.Add(y, op.constant(gamma * alpha, y.dtype));
    return op.Mul(dy, op.Where(positive(context, x, gamma > 0 && alpha >= 0), slope, left));
  },
];

/** y = max(x, 0) + min(α(e^(x/α) − 1), 0); dx = dy·(1 or y/α + 1). */
export const Celu: VjpRule = [
  (dy, context, x) => {
    const { op, node, y } = context;
    const one = op.constant(1, y.dtype);
    const left = op.Add(op.Mul(y, op.constant(1 / floatOf(node, "alpha", 1), y.dtype)), one);
    return op.Mul(dy, op.Where(positive(context, x, true), one, left));
  },
];

/** y = x for x > α, else 0; dx = dy·[x > α], computed from y if α ≥ 0. */
export const ThresholdedRelu: VjpRule = [
  (dy, { op, node, y }, x) => {
    const alpha = floatOf(node, "alpha", 1);
    const above = op.Greater(alpha < 0 ? x : y, op.constant(alpha, x.dtype));
    return op.Where(above, dy, op.constant(0, dy.dtype));
  },
];

/** y = x + bias for x < −λ, x − bias for x > λ, else 0; dx = dy·[x < −λ or x > λ]. */
export const Shrink: VjpRule = [
  (dy, { op, node }, x) => {
    const lambda = floatOf(node, "lambd", 0.5);
    const outside = op.Or(op.Less(x, op.constant(-lambda, x.dtype)), op.Greater(x, op.constant(lambda, x.dtype)));
    return op.Where(outside, dy, op.constant(0, dy.dtype));
  },
];

/** y = x/(1 + |x|); dx = dy/(1 + |x|)². */
export const Softsign: VjpRule = [
  (dy, { op }, x) => {
    const scale = op.Add(op.Abs(x), op.constant(1, x.dtype));
    return op.Div(dy, op.Mul(scale, scale));
  },
];

/** y = x·tanh(ln(1 + eˣ)) */
export const Mish: VjpRule = [(dy, { op }, x) => op.Mul(dy, mishSlope(op, x))];

/** y = x·Φ(x); dx = dy·(Φ(x) + x·φ(x)), Φ(x) = ½ + ½ erf(x/√2), φ(x) = e^(−x²/2)/√(2π). */
const geluBack: Vjp = (dy, { op }, x) => {
  const c = (value: number) => op.constant(value, x.dtype);
  const a = op.Mul(x, c(Math.SQRT1_2));
  const density = op.Mul(op.Mul(a, c(1 / Math.sqrt(Math.PI))), op.Exp(op.Neg(op.Mul(a, a))));
  return op.Mul(dy, op.Add(op.Add(op.Mul(op.Erf(a), c(0.5)), c(0.5)), density));
};

/** y = ½x(1 + t), t = tanh u, u = √(2/π)·(x + κx³); dx = dy·½(1 + t + x·(1 − t²)·u′), u′ = √(2/π)·(1 + 3κx²). */
const geluTanhBack: Vjp = (dy, { op }, x) => {
  const c = (value: number) => op.constant(value, x.dtype);
  const [kappa, k] = [0.044715, Math.sqrt(2 / Math.PI)];
  const square = op.Mul(x, x);
  const t = op.Tanh(op.Mul(x, op.Add(op.Mul(square, c(k * kappa)), c(k))));
  const slope = op.Mul(x, op.Add(op.Mul(square, c(3 * k * kappa)), c(k)));
  const sum = op.Add(op.Add(t, c(1)), op.Mul(op.Sub(c(1), op.Mul(t, t)), slope));
  return op.Mul(op.Mul(dy, c(0.5)), sum);
};

export const Gelu: VjpRule = [
  (dy, context, x) => {
    const approximate = stringOf(context.node, "approximate", "none");
    return (approximate === "tanh" ? geluTanhBack : geluBack)(dy, context, x);
  },
];
