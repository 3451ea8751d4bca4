/**
 * Constant folding of one node: the integer arithmetic on shapes that exporters write for Reshape, Resize and Slice, and small
 * computations on constants. Larger results, such as weights, are left to the runtime.
 */

import { numbersOf, sizeOf, stridesOf, tensorOf, type Tensor } from "../tensor.ts";
import { expanded, movers, split, type Evaluator } from "./evaluate/moving.ts";
import { intOf, stringOf, type Node } from "./graph.ts";
import { reduceAxes } from "./infer/reduce.ts";
import type { TensorType, Value } from "./value.ts";

/** Results with more elements are not folded. */
const MAX_FOLDED = 4096;

/** The outputs of a node whose inputs are all constant and small, or null. Shape and Size need only the type of their input. */
export const evaluate = (
  node: Node,
  inputs: readonly (Value | null)[],
  types: readonly TensorType[],
): readonly Tensor[] | null => {
  if (node.domain !== "" || types.some(({ shape }) => sizeOf(shape) > MAX_FOLDED)) return null;
  if (node.op === "Shape") return [shapeOf(node, inputs[0]!)];
  if (node.op === "Size") return [tensorOf("int64", [], [sizeOf(inputs[0]!.shape)])];
  const constants = inputs.flatMap((v) => (v?.constant ? [v.constant] : []));
  if (constants.length < inputs.filter((v) => v !== null).length) return null;
  if (node.op === "Split") return split(constants[0]!, types, node);
  const [type] = types;
  const value = type && types.length === 1 ? only(node, inputs, type, constants) : null;
  return value && [value];
};

/** The only output of a node on constants, or null. */
const only = (
  node: Node,
  inputs: readonly (Value | null)[],
  type: TensorType,
  constants: readonly Tensor[],
): Tensor | null => {
  // float16 tensors hold raw bits, which can be rearranged but not computed on.
  const bits = [type, ...constants].some((t) => t.dtype === "float16");
  const table = bits ? movers : evaluators;
  const evaluator = Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  return evaluator?.(constants, type, node, inputs) ?? null;
};

const shapeOf = (node: Node, x: Value): Tensor => {
  const dims = x.shape.slice(intOf(node, "start", 0), intOf(node, "end", x.shape.length));
  return tensorOf("int64", [dims.length], dims);
};

/** Integers beyond int64 saturate: models write 2^63 − 1 for "to the end", which as a JavaScript number is 2^63. */
const saturated = (v: number): number => Math.min(v, 2 ** 63 - 1024);

/** `values` as elements of a type, or null where an integer type is given a NaN or an infinity. */
const elements = ({ dtype, shape }: TensorType, values: readonly number[]): Tensor | null => {
  if (dtype === "float32" || dtype === "float64") return tensorOf(dtype, shape, values);
  if (!values.every(Number.isFinite)) return null;
  return tensorOf(dtype, shape, values.map(dtype === "int64" ? (v) => saturated(Math.trunc(v)) : Math.trunc));
};

/** Elementwise with broadcasting; integer types truncate towards zero, as ONNX's Div does. */
const pointwise =
  (f: (...args: number[]) => number): Evaluator =>
  (inputs, type) => {
    const columns = inputs.map((x) => numbersOf(expanded(x, type.shape)));
    return elements(
      type,
      Array.from({ length: sizeOf(type.shape) }, (_, i) => f(...columns.map((c) => c[i]!))),
    );
  };

const fold = (f: (a: number, b: number) => number) => pointwise((...args) => args.reduce(f));

/** Clip; an absent bound is infinite. */
const clip: Evaluator = ([x], type, _, [, low, high]) => {
  const bound = (v: Value | null | undefined, absent: number) => (v?.constant ? numbersOf(v.constant)[0]! : absent);
  const [lower, upper] = [bound(low, -Infinity), bound(high, Infinity)];
  return elements(
    type,
    numbersOf(x!).map((v) => Math.min(Math.max(v, lower), upper)),
  );
};

/** Bitwise operators by BigInt, because those of JavaScript convert to int32. */
const bitwise = (f: (a: bigint, b: bigint) => bigint) => pointwise((a, b) => Number(f(BigInt(a), BigInt(b))));

const truncatedMod = fold((a, b) => a % b);
const flooredMod = fold((a, b) => a - b * Math.floor(a / b));
const shiftLeft = fold((a, b) => a * 2 ** b);
const shiftRight = fold((a, b) => Math.floor(a / 2 ** b));

const range: Evaluator = ([start, , delta], { dtype, shape }) =>
  tensorOf(
    dtype,
    shape,
    Array.from({ length: shape[0]! }, (_, i) => numbersOf(start!)[0]! + i * numbersOf(delta!)[0]!),
  );

const reduce =
  (f: (a: number, b: number) => number, initial: number): Evaluator =>
  ([x], type, node, values) =>
    elements(type, reduced(f, initial, x!, reduceAxes(node, values)));

const reduced = (
  f: (a: number, b: number) => number,
  initial: number,
  x: Tensor,
  axes: readonly number[],
): number[] => {
  const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const out = Array.from({ length: sizeOf(kept) }, () => initial);
  const from = stridesOf(x.shape);
  const to = stridesOf(kept);
  for (const [i, v] of numbersOf(x).entries()) {
    const at = x.shape.reduce((sum, d, a) => sum + (axes.includes(a) ? 0 : (Math.floor(i / from[a]!) % d) * to[a]!), 0);
    out[at] = f(out[at]!, v);
  }
  return out;
};

const roundEven = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

const evaluators: Readonly<Record<string, Evaluator>> = {
  ...movers,
  Cast: ([x], type) => {
    if (x!.dtype === type.dtype) return x!;
    const values = numbersOf(x!);
    return elements(type, type.dtype === "bool" ? values.map((v) => Number(v !== 0)) : values);
  },
  Range: range,
  Add: fold((a, b) => a + b),
  Sub: fold((a, b) => a - b),
  Mul: fold((a, b) => a * b),
  Div: fold((a, b) => a / b),
  Sum: fold((a, b) => a + b),
  Min: fold((a, b) => Math.min(a, b)),
  Max: fold((a, b) => Math.max(a, b)),
  Pow: fold((a, b) => a ** b),
  Mod: (...args) => (intOf(args[2], "fmod", 0) === 1 ? truncatedMod : flooredMod)(...args),
  BitShift: (...args) => (stringOf(args[2], "direction", "") === "LEFT" ? shiftLeft : shiftRight)(...args),
  BitwiseAnd: bitwise((a, b) => a & b),
  BitwiseOr: bitwise((a, b) => a | b),
  BitwiseXor: bitwise((a, b) => a ^ b),
  BitwiseNot: pointwise((a) => -a - 1),
  Clip: clip,
  Neg: pointwise((a) => -a),
  Sign: pointwise((a) => Math.sign(a)),
  Abs: pointwise((a) => Math.abs(a)),
  Sqrt: pointwise((a) => Math.sqrt(a)),
  Floor: pointwise((a) => Math.floor(a)),
  Ceil: pointwise((a) => Math.ceil(a)),
  Round: pointwise((a) => roundEven(a)),
  Reciprocal: pointwise((a) => 1 / a),
  Equal: pointwise((a, b) => Number(a === b)),
  Greater: pointwise((a, b) => Number(a > b)),
  GreaterOrEqual: pointwise((a, b) => Number(a >= b)),
  Less: pointwise((a, b) => Number(a < b)),
  LessOrEqual: pointwise((a, b) => Number(a <= b)),
  And: pointwise((a, b) => a & b),
  Or: pointwise((a, b) => a | b),
  Xor: pointwise((a, b) => a ^ b),
  Not: pointwise((a) => 1 - a),
  Where: pointwise((c, a, b) => (c ? a : b)),
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceProd: reduce((a, b) => a * b, 1),
  ReduceMax: reduce((a, b) => Math.max(a, b), -Infinity),
  ReduceMin: reduce((a, b) => Math.min(a, b), Infinity),
};
