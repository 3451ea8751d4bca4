/** Arithmetic, elementwise functions and selection. */

import type { Value } from "../../onnx/value.ts";
import type { Vjp, VjpRule } from "../rule.ts";

const pass: Vjp = (dy) => dy;

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float64";

/** y = a + b */
export const Add: VjpRule = [pass, pass];

/** y = a − b */
export const Sub: VjpRule = [pass, (dy, { op }) => op.Neg(dy)];

/** y = a·b; da = dy·b. */
export const Mul: VjpRule = [(dy, { op }, _, b) => op.Mul(dy, b), (dy, { op }, a) => op.Mul(dy, a)];

/** y = a/b; da = dy/b, db = −dy·y/b. */
export const Div: VjpRule = [
  (dy, { op }, _, b) => op.Div(dy, b),
  (dy, { op, y }, _, b) => op.Neg(op.Div(op.Mul(dy, y), b)),
];

/** y = Σ xᵢ */
export const Sum: VjpRule = () => pass;

/** y = Σ xᵢ / n */
export const Mean: VjpRule =
  () =>
  (dy, { op, inputs }) =>
    op.Mul(dy, op.constant(1 / inputs.length, dy.dtype));

/** y = max xᵢ or min xᵢ; dxᵢ = dy·[xᵢ = y] ÷ the number of inputs that attain it. */
const extremum: VjpRule =
  (index) =>
  (dy, { op, y }, ...x) => {
    const attained = x.map((v) => op.cast(op.Equal(v, y), dy.dtype));
    return op.Div(
      op.Mul(dy, attained[index]),
      attained.reduce((a, b) => op.Add(a, b)),
    );
  };
export const Max: VjpRule = extremum;
export const Min: VjpRule = extremum;

/** y = −x */
export const Neg: VjpRule = [(dy, { op }) => op.Neg(dy)];

/** y = |x|; dx = dy·sign x, 0 at 0. */
export const Abs: VjpRule = [(dy, { op }, x) => op.Mul(dy, op.Sign(x))];

/** y = eˣ; dx = dy·y. */
export const Exp: VjpRule = [(dy, { op, y }) => op.Mul(dy, y)];

/** y = ln x; dx = dy/x. */
export const Log: VjpRule = [(dy, { op }, x) => op.Div(dy, x)];

/** y = √x; dx = dy/(2y). */
export const Sqrt: VjpRule = [(dy, { op, y }) => op.Div(dy, op.Add(y, y))];

/** y = 1/x; dx = −dy·y². */
export const Reciprocal: VjpRule = [(dy, { op, y }) => op.Neg(op.Mul(dy, op.Mul(y, y)))];

/** y = aᵇ; da = dy·b·aᵇ⁻¹, db = dy·y·ln a (a > 0). */
export const Pow: VjpRule = [
  (dy, { op }, a, b) => {
    const exponent = op.cast(b, a.dtype);
    return op.Mul(dy, op.Mul(exponent, op.Pow(a, op.Sub(exponent, op.constant(1, a.dtype)))));
  },
  (dy, { op, y }, a) => op.Mul(dy, op.Mul(y, op.Log(a))),
];

/** y = x·[j − i ≥ k] (upper) or x·[j − i ≤ k] (lower) for each matrix; dx is dy with the same mask. */
export const Trilu: VjpRule = [(dy, { op, node, inputs }) => op.Trilu(dy, inputs[1], node.attributes), null];

/** y = c ? a : b; the condition has no gradient. */
export const Where: VjpRule = [
  null,
  (dy, { op }, c) => op.Where(c, dy, op.constant(0, dy.dtype)),
  (dy, { op }, c) => op.Where(c, op.constant(0, dy.dtype), dy),
];

export const Identity: VjpRule = [pass];

/** Networks are loaded in evaluation mode, in which Dropout is the identity: its ratio and mode have no influence. */
export const Dropout: VjpRule = [pass, null, null];

/** dx is dy cast to the type of x; if x is an integer tensor, whose cotangent is a float tensor, dx = dy. */
export const Cast: VjpRule = [(dy, { op }, x) => (isFloat(x) ? op.cast(dy, x.dtype) : dy)];
