/**
 * A fixed matrix along an axis whose columns are one kernel, moved on by a stride, as those of an enlargement by a whole factor
 * are: its adjoint is a convolution of each channel, which takes a ninth of the time that the product with the matrix does. Where
 * the rows are such, as those of a reduction, it is a transposed one.
 */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import { dimensionsOf, type Tensor, tensorOf } from "../../tensor.ts";
import { contractAxis, copiesBack, transposed } from "./linear.ts";

/** A = E·C: E [out, in + beyond] has the kernel in each column, C [in + beyond, in] holds what lies beyond the borders to them. */
interface Stencil {
  readonly kernel: readonly number[];
  readonly stride: number;
  /** Of dy, before the convolution. */
  readonly pads: readonly [before: number, after: number];
  /** Columns of E beyond those of A. */
  readonly beyond: readonly [before: number, after: number];
}

/** Weights are float32; coordinates that are whole in the end are so up to rounding. */
const TOLERANCE = 1e-6;

/** The rows in which column j of A [rows, columns] is not zero: first and last. */
const support = (a: Tensor<"float32">, j: number): readonly [number, number] => {
  const [rows, columns] = dimensionsOf(a, 2);
  const held = Array.from({ length: rows }, (_, i) => i).filter((i) => Math.abs(a.data[i * columns + j]!) > TOLERANCE);
  return [held[0] ?? 0, held.at(-1) ?? -1];
};

/** Whether E·C is A. */
const describes = ({ kernel, stride, pads: [pad], beyond }: Stencil, a: Tensor<"float32">): boolean => {
  const [rows, columns] = dimensionsOf(a, 2);
  const left = Float64Array.from(a.data);
  for (let q = 0; q < columns + beyond[0] + beyond[1]; q++) {
    const j = Math.min(Math.max(q - beyond[0], 0), columns - 1);
    for (const [t, weight] of kernel.entries()) {
      const i = q * stride - pad + t;
      if (i >= 0 && i < rows) left[i * columns + j]! -= weight;
    }
  }
  return left.every((v) => Math.abs(v) <= TOLERANCE);
};

/** A [out, in] as a stencil, read off two columns in its middle; null where it is none. */
const stencilOf = (a: Tensor<"float32">): Stencil | null => {
  const [rows, columns] = dimensionsOf(a, 2);
  const middle = columns >> 1;
  if (columns < 3) return null;
  const [[first, last], [previous]] = [support(a, middle), support(a, middle - 1)];
  const stride = first - previous;
  if (stride < 2 || last < first) return null;
  const held = Array.from({ length: last - first + 1 }, (_, t) => a.data[(first + t) * columns + middle]!);
  /** Where the kernel of column 0 starts. */
  const start = first - stride * middle;
  const before = Math.max(Math.floor((start + held.length - 1) / stride), 0);
  const after = Math.max(Math.floor((rows - 1 - start) / stride) - (columns - 1), 0);
  const pad = stride * before - start;
  const end = stride * (columns + before + after - 1) + held.length - rows - pad;
  // Rows that no column reaches: the kernel reaches there, with zeros.
  const zeros = (count: number): number[] => Array.from({ length: Math.max(count, 0) }, () => 0);
  const stencil: Stencil = {
    kernel: [...zeros(-pad), ...held, ...zeros(-end)],
    stride,
    pads: [Math.max(pad, 0), Math.max(end, 0)],
    beyond: [before, after],
  };
  return describes(stencil, a) ? stencil : null;
};

/** Eᵀ·dy along axis 2 or 3 of [N,C,H,W] by a Conv, or E·dy by a ConvTranspose. */
const convolved = (
  op: Builder,
  by: "Conv" | "ConvTranspose",
  dy: Value,
  axis: number,
  { kernel, stride, pads }: Stencil,
): Value => {
  const channels = dy.shape[1]!;
  const along = (value: number, other: number): number[] => (axis === 2 ? [value, other] : [other, value]);
  const weights = tensorOf(
    "float32",
    [channels, 1, ...along(kernel.length, 1)],
    Array.from({ length: channels }, () => kernel).flat(),
  );
  return op[by](dy, op.cast(op.tensor(weights, "stencil"), dy.dtype), null, {
    group: channels,
    strides: along(stride, 1),
    pads: [...along(pads[0], 0), ...along(pads[1], 0)],
  });
};

/** Cᵀ·v */
const folded = (op: Builder, v: Value, axis: number, { beyond: [before, after] }: Stencil): Value => {
  if (before + after === 0) return v;
  const columns = v.shape[axis]! - before - after;
  return copiesBack(op, v, axis, columns, (q) => Math.min(Math.max(q - before, 0), columns - 1));
};

/** The adjoint of y = A·x along some axes, for a constant A [out, in] each: dx = Aᵀ·dy, in that order. */
export const contractAxes = (
  op: Builder,
  dy: Value,
  matrices: readonly (readonly [axis: number, a: Tensor<"float32">])[],
): Value => {
  const spatial = dy.shape.length === 4;
  const fixed = matrices.map(([axis, a]) => ({ axis, a, stencil: spatial && axis >= 2 ? stencilOf(a) : null }));
  const shrunk = fixed.reduce((d, { axis, a, stencil }) => {
    if (stencil) return convolved(op, "Conv", d, axis, stencil);
    const rows = spatial && axis >= 2 ? stencilOf(transposed(a)) : null;
    if (rows?.beyond.every((columns) => columns === 0)) return convolved(op, "ConvTranspose", d, axis, rows);
    return contractAxis(op, d, axis, a);
  }, dy);
  // What lies beyond the borders is added to them last, where least is left.
  return fixed.reduce((d, { axis, stencil }) => (stencil ? folded(op, d, axis, stencil) : d), shrunk);
};
