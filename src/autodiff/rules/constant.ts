/** Operators that have no derivative, or one that is zero almost everywhere: listed, so that it is known and not forgotten. */

import type { VjpRule } from "../rule.ts";

const none: VjpRule = [];

export const ArgMax: VjpRule = none;
export const ArgMin: VjpRule = none;
export const Shape: VjpRule = none;
export const Size: VjpRule = none;
export const Equal: VjpRule = none;
export const Greater: VjpRule = none;
export const GreaterOrEqual: VjpRule = none;
export const Less: VjpRule = none;
export const LessOrEqual: VjpRule = none;
export const And: VjpRule = none;
export const Or: VjpRule = none;
export const Xor: VjpRule = none;
export const Not: VjpRule = none;
export const IsNaN: VjpRule = none;
export const IsInf: VjpRule = none;
export const Sign: VjpRule = none;
export const Floor: VjpRule = none;
export const Ceil: VjpRule = none;
export const Round: VjpRule = none;
export const ConstantOfShape: VjpRule = none;
export const Range: VjpRule = none;
export const OneHot: VjpRule = none;
