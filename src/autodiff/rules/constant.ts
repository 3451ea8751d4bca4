/** Operators whose derivative does not exist or is zero almost everywhere. They are listed so that they are not taken for unsupported. */

import type { VjpRule } from "../rule.ts";

const unary: VjpRule = [null];
const binary: VjpRule = [null, null];

export const ArgMax: VjpRule = unary;
export const ArgMin: VjpRule = unary;
export const Shape: VjpRule = unary;
export const Size: VjpRule = unary;
export const Equal: VjpRule = binary;
export const Greater: VjpRule = binary;
export const GreaterOrEqual: VjpRule = binary;
export const Less: VjpRule = binary;
export const LessOrEqual: VjpRule = binary;
export const And: VjpRule = binary;
export const Or: VjpRule = binary;
export const Xor: VjpRule = binary;
export const Not: VjpRule = unary;
export const IsNaN: VjpRule = unary;
export const IsInf: VjpRule = unary;
export const Sign: VjpRule = unary;
export const Floor: VjpRule = unary;
export const Ceil: VjpRule = unary;
export const Round: VjpRule = unary;
export const Hardmax: VjpRule = unary;
export const ConstantOfShape: VjpRule = unary;
export const Range: VjpRule = [null, null, null];
