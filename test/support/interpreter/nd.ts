/** What the interpreter computes on: every element a float64, whatever the declared type; indices in row-major order. */

import { newData, numbersOf, tensorOf, type DType, type Tensor } from "../../../src/tensor.ts";
import { halfToNumber } from "../../../src/onnx/passes/single-precision.ts";
import type { Node } from "../../../src/onnx/graph.ts";

export interface Nd {
  /** The declared type: values of all float types are held to float64 precision, integers exactly up to 2^53. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** One operator, from its definition. Optional inputs that are absent come as undefined. */
export type Kernel = (node: Node, ...inputs: Nd[]) => readonly Nd[];

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64" || dtype === "float16";

export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Position of an index in row-major order (Horner's scheme). */
export const offset = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((at, v, axis) => at * shape[axis]! + v, 0);

/** Every index of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const index = shape.map(() => 0);
  for (let left = count(shape); left > 0; left--) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
}

/** The element at an index. */
export const at = (x: Nd, index: readonly number[]): number => x.data[offset(x.shape, index)]!;

/** A value defined element by element. */
export const define = (dtype: DType, shape: readonly number[], f: (index: readonly number[]) => number): Nd => {
  const data = new Float64Array(count(shape));
  let i = 0;
  for (const index of indices(shape)) data[i++] = f(index);
  return { dtype, shape, data };
};

/** Integers wrap as their type does. */
export const wrapped = (x: Nd): Nd => {
  if (isFloat(x.dtype) || x.dtype === "int64" || x.dtype === "uint64") return x;
  const one = newData(x.dtype, 1) as Int32Array;
  return { ...x, data: x.data.map((v) => ((one[0] = v), one[0])) };
};

/** ONNX's (NumPy's) multidirectional broadcasting. */
export const broadcastShape = (shapes: readonly (readonly number[])[]): number[] => {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((s) => s[i - rank + s.length] ?? 1).filter((d) => d !== 1);
    if (new Set(sizes).size > 1) throw new RangeError(`interpreter: ${JSON.stringify(shapes)} do not broadcast`);
    return sizes[0] ?? 1;
  });
};

/** The element of `x` that broadcasting puts at `index`. */
export const broadcastAt = (x: Nd, index: readonly number[]): number => {
  const lead = index.length - x.shape.length;
  return at(
    x,
    x.shape.map((d, i) => (d === 1 ? 0 : index[i + lead]!)),
  );
};

export const fromTensor = (t: Tensor): Nd => ({
  dtype: t.dtype,
  shape: t.shape,
  data: Float64Array.from(t.dtype === "float16" ? Array.from(t.data as Uint16Array, halfToNumber) : numbersOf(t)),
});

/** Floats come out as float64. */
export const toTensor = (x: Nd): Tensor => tensorOf(isFloat(x.dtype) ? "float64" : x.dtype, x.shape, x.data);

export const ints = (x: Nd | undefined): number[] | undefined => x && Array.from(x.data);

/** An axis counted from the front. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** An attribute's default: one value per axis. */
export const each = (length: number, value: number): number[] => Array.from({ length }, () => value);
