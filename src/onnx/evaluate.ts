/**
 * Constant folding of one node: the integer arithmetic on shapes that exporters write around Reshape, Resize and Slice,
 * and small computations on constants. Weights stay as they are: larger results are left to the runtime.
 */

import { newData, numbersOf, sizeOf, stridesOf, tensor, tensorOf, type Tensor } from "../tensor.ts";
import { OnnxError, describe, intOf, tensorAttributeOf, type Node } from "./graph.ts";
import { sliceAxes } from "./infer/shape.ts";
import { reduceAxes } from "./infer/reduce.ts";
import type { TensorType, Value } from "./value.ts";

/** Results of more elements than this are not folded. */
const MAX_FOLDED = 4096;

/** Null: not representable, so left to the runtime. */
type Evaluator = (
  inputs: readonly Tensor[],
  type: TensorType,
  node: Node,
  values: readonly (Value | null)[],
) => Tensor | null;

/** The value of a node whose inputs are all known and small, or null. Shape and Size need only the input's type. */
export const evaluate = (
  node: Node,
  inputs: readonly (Value | null)[],
  types: readonly TensorType[],
): Tensor | null => {
  const type = types[0];
  if (!type || node.domain !== "" || types.length !== 1 || sizeOf(type.shape) > MAX_FOLDED) return null;
  if (node.op === "Shape") return shapeOf(node, inputs[0]!);
  if (node.op === "Size") return tensorOf("int64", [], [sizeOf(inputs[0]!.shape)]);
  const constants = inputs.flatMap((v) => (v?.constant ? [v.constant] : []));
  // float16 holds raw bits: it can be moved about, not computed on.
  const bits = [type, ...constants].some((t) => t.dtype === "float16");
  const table = bits ? movers : evaluators;
  const evaluator = Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  if (!evaluator || constants.length < inputs.filter((v) => v !== null).length) return null;
  return evaluator(constants, type, node, inputs);
};

const shapeOf = (node: Node, x: Value): Tensor => {
  const dims = x.shape.slice(intOf(node, "start", 0), intOf(node, "end", x.shape.length));
  return tensorOf("int64", [dims.length], dims);
};

/** The same elements in the same order under another shape. */
const relabel: Evaluator = ([x], { shape }) => tensor(x!.dtype, shape, x!.data);

/** out[i] = x[source(index of i)], for operators that only move elements. */
const moved = (
  x: Tensor,
  shape: readonly number[],
  source: (index: readonly number[]) => readonly number[],
): Tensor => {
  const strides = stridesOf(x.shape);
  const data = newData(x.dtype, sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    const at = source(index);
    data[i] = x.data[at.reduce((sum, v, axis) => sum + v * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return tensor(x.dtype, shape, data);
};

const expanded = (x: Tensor, shape: readonly number[]): Tensor =>
  moved(x, shape, (index) => x.shape.map((d, i) => (d === 1 ? 0 : index[shape.length - x.shape.length + i]!)));

/** Integers beyond int64 saturate: "to the end" is written as 2^63 − 1, which as a number is 2^63. */
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

const concat: Evaluator = (inputs, { dtype, shape }, node) => {
  const axis = intOf(node, "axis", 0) < 0 ? intOf(node, "axis", 0) + shape.length : intOf(node, "axis", 0);
  const starts = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, t) => sum + t.shape[axis]!, 0));
  const owner = (position: number) => starts.findLastIndex((s) => s <= position);
  const data = newData(dtype, sizeOf(shape));
  const strides = stridesOf(shape);
  for (let i = 0; i < data.length; i++) {
    const index = shape.map((d, a) => Math.floor(i / strides[a]!) % d);
    const which = owner(index[axis]!);
    index[axis]! -= starts[which]!;
    const own = stridesOf(inputs[which]!.shape);
    data[i] = inputs[which]!.data[index.reduce((sum, v, a) => sum + v * own[a]!, 0)]!;
  }
  return tensor(dtype, shape, data);
};

const gather: Evaluator = ([x, indices], { shape }, node) => {
  const raw = intOf(node, "axis", 0);
  const axis = raw < 0 ? raw + x!.shape.length : raw;
  const rank = indices!.shape.length;
  const strides = stridesOf(indices!.shape);
  const list = numbersOf(indices!);
  return moved(x!, shape, (index) => {
    const at = list[index.slice(axis, axis + rank).reduce((sum, v, i) => sum + v * strides[i]!, 0)]!;
    if (at < -x!.shape[axis]! || at >= x!.shape[axis]!) {
      throw new OnnxError(`index ${at} is out of range for axis ${axis} of size ${x!.shape[axis]}`, describe(node));
    }
    return [...index.slice(0, axis), at < 0 ? at + x!.shape[axis]! : at, ...index.slice(axis + rank)];
  });
};

const slice: Evaluator = ([x], { shape }, node, values) => {
  const axes = sliceAxes(node, values);
  return moved(x!, shape, (index) => index.map((v, i) => axes[i]!.start + v * axes[i]!.step));
};

const transpose: Evaluator = ([x], { shape }, node) => {
  const perm = node.attributes["perm"];
  const order = perm?.type === "ints" ? perm.value : shape.map((_, i) => shape.length - 1 - i);
  return moved(x!, shape, (index) => x!.shape.map((_, axis) => index[order.indexOf(axis)]!));
};

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

/** These only move elements. */
const movers: Readonly<Record<string, Evaluator>> = {
  Constant: (_, __, node) => tensorAttributeOf(node, "value", undefined)!,
  ConstantOfShape: (_, { dtype, shape }, node) => {
    const value = tensorAttributeOf(node, "value", undefined);
    return expanded(value ? tensor(value.dtype, [], value.data) : tensorOf(dtype, [], [0]), shape);
  },
  Identity: relabel,
  Reshape: relabel,
  Flatten: relabel,
  Squeeze: relabel,
  Unsqueeze: relabel,
  Expand: ([x], { shape }) => expanded(x!, shape),
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Transpose: transpose,
};

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
  Min: fold((a, b) => Math.min(a, b)),
  Max: fold((a, b) => Math.max(a, b)),
  Pow: fold((a, b) => a ** b),
  Mod: (inputs, type, node, values) =>
    pointwise((a, b) => (intOf(node, "fmod", 0) === 1 ? a % b : a - b * Math.floor(a / b)))(inputs, type, node, values),
  Neg: pointwise((a) => -a),
  Abs: pointwise((a) => Math.abs(a)),
  Sqrt: pointwise((a) => Math.sqrt(a)),
  Floor: pointwise((a) => Math.floor(a)),
  Ceil: pointwise((a) => Math.ceil(a)),
  Round: pointwise((a) => roundEven(a)),
  Reciprocal: pointwise((a) => 1 / a),
  Equal: pointwise((a, b) => Number(a === b)),
  Greater: pointwise((a, b) => Number(a > b)),
  Less: pointwise((a, b) => Number(a < b)),
  And: pointwise((a, b) => a & b),
  Or: pointwise((a, b) => a | b),
  Not: pointwise((a) => 1 - a),
  Where: pointwise((c, a, b) => (c ? a : b)),
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceProd: reduce((a, b) => a * b, 1),
  ReduceMax: reduce((a, b) => Math.max(a, b), -Infinity),
  ReduceMin: reduce((a, b) => Math.min(a, b), Infinity),
};
