/** Rounding and clamping to grey levels, with gradients that an attack can climb. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { tensorOf } from "../tensor.ts";

/**
 * To the nearest integer, of two the even one; the gradient is the identity (straight-through; Bengio et al. 2013). Written as
 * a quantisation to int16 of scale 1, since QuantizeLinear is the operator that is differentiated straight-through. |x| must
 * stay below 32767.
 */
export const rounded = (op: Builder, x: Value): Value => {
  const one = op.constant(1);
  const zero = op.tensor(tensorOf("int16", [], [0]), "zero_point");
  return op.DequantizeLinear(op.QuantizeLinear(x, one, zero), one, zero);
};

/** Of x, what lies in low..high. The gradient is the identity there, both bounds included: white pixels keep theirs. */
export const clamped = (op: Builder, x: Value, low = 0, high = 255): Value => {
  const [least, most] = [op.constant(low), op.constant(high)];
  return op.Where(op.Less(x, least), least, op.Where(op.Greater(x, most), most, x));
};
