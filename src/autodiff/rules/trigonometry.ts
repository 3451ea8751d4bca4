/** Circular and hyperbolic functions and their inverses. */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import type { VjpRule } from "../rule.ts";

const one = (op: Builder, x: Value): Value => op.constant(1, x.dtype);

/** 1 + x² */
const onePlusSquare = (op: Builder, x: Value): Value => op.Add(op.Mul(x, x), one(op, x));

/** 1 − x² as (1 − x)·(1 + x), which does not cancel near ±1. */
const oneMinusSquare = (op: Builder, x: Value): Value => op.Mul(op.Sub(one(op, x), x), op.Add(one(op, x), x));

/** y = sin x */
export const Sin: VjpRule = [(dy, { op }, x) => op.Mul(dy, op.Cos(x))];

/** y = cos x */
export const Cos: VjpRule = [(dy, { op }, x) => op.Neg(op.Mul(dy, op.Sin(x)))];

/** y = tan x; dx = dy·(1 + y²). */
export const Tan: VjpRule = [(dy, { op, y }) => op.Mul(dy, onePlusSquare(op, y))];

/** y = arcsin x; dx = dy/√(1 − x²). */
export const Asin: VjpRule = [(dy, { op }, x) => op.Div(dy, op.Sqrt(oneMinusSquare(op, x)))];

/** y = arccos x; dx = −dy/√(1 − x²). */
export const Acos: VjpRule = [(dy, { op }, x) => op.Neg(op.Div(dy, op.Sqrt(oneMinusSquare(op, x))))];

/** y = arctan x; dx = dy/(1 + x²). */
export const Atan: VjpRule = [(dy, { op }, x) => op.Div(dy, onePlusSquare(op, x))];

/** y = sinh x */
export const Sinh: VjpRule = [(dy, { op }, x) => op.Mul(dy, op.Cosh(x))];

/** y = cosh x */
export const Cosh: VjpRule = [(dy, { op }, x) => op.Mul(dy, op.Sinh(x))];

/** y = arsinh x; dx = dy/√(1 + x²). */
export const Asinh: VjpRule = [(dy, { op }, x) => op.Div(dy, op.Sqrt(onePlusSquare(op, x)))];

/** y = arcosh x; dx = dy/√(x² − 1). */
export const Acosh: VjpRule = [
  (dy, { op }, x) => op.Div(dy, op.Sqrt(op.Mul(op.Sub(x, one(op, x)), op.Add(x, one(op, x))))),
];

/** y = artanh x; dx = dy/(1 − x²). */
export const Atanh: VjpRule = [(dy, { op }, x) => op.Div(dy, oneMinusSquare(op, x))];
