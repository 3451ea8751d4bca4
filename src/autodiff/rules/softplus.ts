/** Softplus and Mish written with exponentials: in WASM, onnxruntime's Softplus takes three times as long. */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";

/** ln(1 + eˣ) = max(x, 0) + ln(1 + e^(−|x|)) */
export const softplus = (op: Builder, x: Value): Value =>
  op.Add(op.Relu(x), op.Log(op.Add(op.Exp(op.Neg(op.Abs(x))), op.constant(1, x.dtype))));

/** n/d = tanh(ln(1 + eˣ)), n = e² + 2e, d = n + 2, e = eˣ; for x > 20 it is exactly 1 in float32. */
const gate = (op: Builder, x: Value) => {
  const two = op.constant(2, x.dtype);
  const e = op.Exp(op.Min(x, op.constant(20, x.dtype)));
  const n = op.Mul(e, op.Add(e, two));
  return { e, n, d: op.Add(n, two) };
};

/** x·n/d */
export const mish = (op: Builder, x: Value): Value => {
  const { n, d } = gate(op, x);
  return op.Mul(x, op.Div(n, d));
};

/** The derivative of x·n/d: (n + 4x·(n − e)/d)/d. */
export const mishSlope = (op: Builder, x: Value): Value => {
  const { e, n, d } = gate(op, x);
  const turn = op.Div(op.Mul(op.Mul(x, op.constant(4, x.dtype)), op.Sub(n, e)), d);
  return op.Div(op.Add(n, turn), d);
};
