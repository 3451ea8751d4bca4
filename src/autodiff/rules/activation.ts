/** Activations. Kinks take the one-sided derivative that PyTorch takes. */

import { floatOf } from "../../onnx/graph.ts";
import type { VjpRule } from "../rule.ts";
import { fixedWeights } from "./weights.ts";

/** y = max(x, 0); dx = dy·[y > 0], so the subgradient at 0 is 0. From y, so that x may be fused away. */
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

/** y = min(max(x, low), high); dx = dy·[low < y < high]: zero at the bounds, as PyTorch's ReLU6. */
export const Clip: VjpRule = [
  (dy, { op, y, inputs }) => {
    const [, low, high] = inputs;
    const above = low && op.Greater(y, low);
    const below = high && op.Less(y, high);
    const inside = above && below ? op.And(above, below) : (above ?? below);
    return inside ? op.Where(inside, dy, op.constant(0, dy.dtype)) : dy;
  },
  fixedWeights,
  fixedWeights,
];

/** y = σ(x); dx = dy·y·(1 − y). */
export const Sigmoid: VjpRule = [(dy, { op, y }) => op.Mul(dy, op.Mul(y, op.Sub(op.constant(1, y.dtype), y)))];

/** y = tanh x; dx = dy·(1 − y²). */
export const Tanh: VjpRule = [(dy, { op, y }) => op.Mul(dy, op.Sub(op.constant(1, y.dtype), op.Mul(y, y)))];

/** y = min(max(αx + β, 0), 1); dx = α·dy inside. */
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
