/** Elementwise operators with broadcasting. */

import { floatOf, intOf, stringOf } from "../../../src/onnx/graph.ts";
import type { DType } from "../../../src/tensor.ts";
import { erf } from "./erf.ts";
import { broadcastAt, broadcastShape, define, isFloat, wrapped, type Kernel, type Nd } from "./nd.ts";

/** ONNX's numbers for the element types (onnx.proto, TensorProto.DataType). */
const types: Readonly<Record<number, DType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  11: "float64",
  12: "uint32",
  13: "uint64",
};

const map = (x: Nd, f: (v: number) => number): Nd => wrapped({ ...x, data: x.data.map((v) => f(v)) });

const unary =
  (f: (v: number) => number): Kernel =>
  (_, x) => [map(x, f)];

const combine = (dtype: DType, inputs: readonly Nd[], f: (...v: number[]) => number): Nd => {
  const shape = broadcastShape(inputs.map((x) => x.shape));
  return wrapped(define(dtype, shape, (index) => f(...inputs.map((x) => broadcastAt(x, index)))));
};

const pointwise =
  (f: (...v: number[]) => number): Kernel =>
  (_, ...inputs) => [combine(inputs[0]!.dtype, inputs, f)];

const predicate =
  (f: (...v: number[]) => boolean): Kernel =>
  (_, ...inputs) => [combine("bool", inputs, (...v) => Number(f(...v)))];

export const roundHalfToEven = (v: number): number => {
  const low = Math.floor(v);
  if (v - low !== 0.5) return Math.round(v);
  return low % 2 === 0 ? low : low + 1;
};

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

const divide: Kernel = (_, ...inputs) => {
  const { dtype } = inputs[0]!;
  return [combine(dtype, inputs, (a, b) => (isFloat(dtype) ? a / b : Math.trunc(a / b)))];
};

/** Without `fmod` the result has the sign of the divisor, with it that of the dividend. */
const Mod: Kernel = (node, ...inputs) => {
  const truncated = intOf(node, "fmod", 0) === 1;
  return [combine(inputs[0]!.dtype, inputs, (a, b) => (truncated ? a % b : a - b * Math.floor(a / b)))];
};

const Clip: Kernel = (_, x, low?: Nd, high?: Nd) => [
  map(x, (v) => Math.min(Math.max(v, low?.data[0] ?? -Infinity), high?.data[0] ?? Infinity)),
];

const gelu = (v: number): number => 0.5 * v * (1 + erf(v / Math.SQRT2));

const geluTanh = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));

const Gelu: Kernel = (node, x) => [map(x, stringOf(node, "approximate", "none") === "tanh" ? geluTanh : gelu)];

/** Slopes broadcast to x only (unidirectionally). */
const PRelu: Kernel = (_, x, slope) => [
  define(x.dtype, x.shape, (index) => {
    const v = broadcastAt(x, index);
    return v < 0 ? v * broadcastAt(slope, index) : v;
  }),
];

const withAlpha =
  (absent: number, f: (v: number, alpha: number) => number): Kernel =>
  (node, x) => [map(x, (v) => f(v, floatOf(node, "alpha", absent)))];

const HardSigmoid: Kernel = (node, x) => {
  const [alpha, beta] = [floatOf(node, "alpha", 0.2), floatOf(node, "beta", 0.5)];
  return [map(x, (v) => Math.max(0, Math.min(1, alpha * v + beta)))];
};

const Selu: Kernel = (node, x) => {
  const alpha = floatOf(node, "alpha", 1.6732632423543772);
  const gamma = floatOf(node, "gamma", 1.0507009873554805);
  return [map(x, (v) => gamma * (v > 0 ? v : alpha * (Math.exp(v) - 1)))];
};

const Shrink: Kernel = (node, x) => {
  const [lambda, bias] = [floatOf(node, "lambd", 0.5), floatOf(node, "bias", 0)];
  return [map(x, (v) => (v < -lambda ? v + bias : v > lambda ? v - bias : 0))];
};

/** Upper: what stands on the k-th diagonal of each matrix or to the right of it; else on it or to the left. */
const Trilu: Kernel = (node, x, k?: Nd) => {
  const [diagonal, upper] = [k?.data[0] ?? 0, intOf(node, "upper", 1) === 1];
  return [
    define(x.dtype, x.shape, (index) => {
      const [row, column] = index.slice(-2) as [number, number];
      return (upper ? column >= row + diagonal : column <= row + diagonal) ? broadcastAt(x, index) : 0;
    }),
  ];
};

const castTo = (x: Nd, dtype: DType): Nd => {
  if (dtype === "bool") return { ...x, dtype, data: x.data.map((v) => Number(v !== 0)) };
  return wrapped({ ...x, dtype, data: isFloat(dtype) ? x.data : x.data.map((v) => Math.trunc(v)) });
};

const Cast: Kernel = (node, x) => {
  const dtype = types[intOf(node, "to", 0)];
  if (!dtype) throw new RangeError(`interpreter: Cast to element type ${intOf(node, "to", 0)}`);
  return [castTo(x, dtype)];
};

const softplus = (v: number): number => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

export const elementwise: Readonly<Record<string, Kernel>> = {
  Identity: (_, x) => [x],
  Neg: unary((v) => -v),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((v) => 1 / v),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(roundHalfToEven),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tan: unary(Math.tan),
  Asin: unary(Math.asin),
  Acos: unary(Math.acos),
  Atan: unary(Math.atan),
  Sinh: unary(Math.sinh),
  Cosh: unary(Math.cosh),
  Asinh: unary(Math.asinh),
  Acosh: unary(Math.acosh),
  Atanh: unary(Math.atanh),
  Erf: unary(erf),
  Relu: unary((v) => Math.max(v, 0)),
  Sigmoid: unary(sigmoid),
  Tanh: unary(Math.tanh),
  Softplus: unary(softplus),
  Softsign: unary((v) => v / (1 + Math.abs(v))),
  Mish: unary((v) => v * Math.tanh(softplus(v))),
  HardSwish: unary((v) => v * Math.max(0, Math.min(1, v / 6 + 0.5))),
  Not: unary((v) => 1 - v),
  LeakyRelu: withAlpha(0.01, (v, alpha) => (v < 0 ? alpha * v : v)),
  Elu: withAlpha(1, (v, alpha) => (v < 0 ? alpha * (Math.exp(v) - 1) : v)),
  Celu: withAlpha(1, (v, alpha) => Math.max(0, v) + Math.min(0, alpha * (Math.exp(v / alpha) - 1))),
  ThresholdedRelu: withAlpha(1, (v, alpha) => (v > alpha ? v : 0)),
  Selu,
  HardSigmoid,
  Shrink,
  Trilu,
  IsNaN: (_, x) => [{ ...map(x, (v) => Number(Number.isNaN(v))), dtype: "bool" }],
  IsInf: (node, x) => {
    const [negative, positive] = ["detect_negative", "detect_positive"].map((name) => intOf(node, name, 1) === 1);
    const detects = (v: number) => (v === Infinity && positive) || (v === -Infinity && negative);
    return [{ ...map(x, (v) => Number(detects(v))), dtype: "bool" }];
  },
  Dropout: (_, x) => [x, { ...map(x, () => 1), dtype: "bool" }],
  Gelu,
  Clip,
  PRelu,
  Cast,
  CastLike: (_, x, like) => [castTo(x, like.dtype)],
  Add: pointwise((a, b) => a + b),
  Sub: pointwise((a, b) => a - b),
  Mul: pointwise((a, b) => a * b),
  Div: divide,
  Pow: pointwise((a, b) => a ** b),
  Mod,
  Min: pointwise(Math.min),
  Max: pointwise(Math.max),
  Sum: pointwise((...v) => v.reduce((a, b) => a + b, 0)),
  Mean: pointwise((...v) => v.reduce((a, b) => a + b, 0) / v.length),
  Equal: predicate((a, b) => a === b),
  Greater: predicate((a, b) => a > b),
  GreaterOrEqual: predicate((a, b) => a >= b),
  Less: predicate((a, b) => a < b),
  LessOrEqual: predicate((a, b) => a <= b),
  And: predicate((a, b) => a === 1 && b === 1),
  Or: predicate((a, b) => a === 1 || b === 1),
  Xor: predicate((a, b) => a !== b),
  Where: (_, condition, a, b) => [combine(a.dtype, [condition, a, b], (c, v, w) => (c === 1 ? v : w))],
};
