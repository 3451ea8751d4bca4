/**
 * A constant matrix along an axis whose columns are one kernel shifted by a stride, as for upsampling by an integer factor. Its
 * adjoint is a depthwise convolution, which takes a ninth of the time of the matrix product. If the rows have this form, as for
 * downsampling, the adjoint is a transposed convolution.
 */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import { tensorOf } from "../../tensor.ts";
import { contractAxis, copiesBack, transposed, type Sparse } from "./sparse.ts";

/** A = E·C: E [out, in + beyond] has the kernel in each column, and C [in + beyond, in] clamps positions beyond the borders to the border. */
interface Stencil {
  readonly kernel: readonly number[];
  readonly stride: number;
  /** Padding of dy before the convolution. */
  readonly pads: readonly [before: number, after: number];
  /** Number of columns of E before and after those of A. */
  readonly beyond: readonly [before: number, after: number];
}

/** Tolerance for comparing weights, which are computed from float32 coordinates. */
const TOLERANCE = 1e-6;

/** Whether E·C is A: row i of E has the kernel's element t in each column q with i = q·stride − pad + t. */
const describes = ({ kernel, stride, pads: [pad], beyond }: Stencil, a: Sparse): boolean => {
  const all = a.columns + beyond[0] + beyond[1];
  const expected = new Map<number, number>();
  for (let i = 0; i < a.rows; i++) {
    expected.clear();
    const first = Math.max(Math.ceil((i + pad - kernel.length + 1) / stride), 0);
    for (let q = first; q < all && q * stride - pad <= i; q++) {
      const j = Math.min(Math.max(q - beyond[0], 0), a.columns - 1);
      expected.set(j, (expected.get(j) ?? 0) + kernel[i - q * stride + pad]!);
    }
    for (let k = a.starts[i]!; k < a.starts[i + 1]!; k++)
      expected.set(a.at[k]!, (expected.get(a.at[k]!) ?? 0) - a.weights[k]!);
    for (const left of expected.values()) if (Math.abs(left) > TOLERANCE) return false;
  }
  return true;
};

/** The rows and weights of the entries of column j that are not negligible. */
const columnOf = (
  turned: Sparse,
  j: number,
): { readonly rows: readonly number[]; readonly weights: readonly number[] } => {
  const range = [turned.starts[j]!, turned.starts[j + 1]!] as const;
  const weights = Array.from(turned.weights.subarray(...range));
  const rows = Array.from(turned.at.subarray(...range));
  return {
    rows: rows.filter((_, k) => Math.abs(weights[k]!) > TOLERANCE),
    weights: weights.filter((w) => Math.abs(w) > TOLERANCE),
  };
};

/** A [out, in] as a stencil, which is derived from two columns in its middle; null if A has another form. */
const stencilOf = (a: Sparse, turned: Sparse): Stencil | null => {
  const { rows, columns } = a;
  const middle = columns >> 1;
  if (columns < 3) return null;
  const [own, previous] = [columnOf(turned, middle), columnOf(turned, middle - 1)];
  const [first, last] = [own.rows[0] ?? 0, own.rows.at(-1) ?? -1];
  const stride = first - (previous.rows[0] ?? 0);
  if (stride < 2 || last < first) return null;
  const held = Array.from({ length: last - first + 1 }, (_, t) => own.weights[own.rows.indexOf(first + t)] ?? 0);
  /** The row at which the kernel of column 0 starts. */
  const start = first - stride * middle;
  const before = Math.max(Math.floor((start + held.length - 1) / stride), 0);
  const after = Math.max(Math.floor((rows - 1 - start) / stride) - (columns - 1), 0);
  const pad = stride * before - start;
  const end = stride * (columns + before + after - 1) + held.length - rows - pad;
  // The kernel is extended with zeros to rows that no column reaches.
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

/** The adjoint of y = A·x along several axes, with a constant A [out, in] for each: dx = Aᵀ·dy, applied in the given order. */
export const contractAxes = (
  op: Builder,
  dy: Value,
  matrices: readonly (readonly [axis: number, a: Sparse])[],
): Value => {
  const spatial = dy.shape.length === 4;
  const fixed = matrices.map(([axis, a]) => {
    const turned = transposed(a);
    return { axis, a, turned, stencil: spatial && axis >= 2 ? stencilOf(a, turned) : null };
  });
  const shrunk = fixed.reduce((d, { axis, a, turned, stencil }) => {
    if (stencil) return convolved(op, "Conv", d, axis, stencil);
    const rows = spatial && axis >= 2 ? stencilOf(turned, a) : null;
    if (rows?.beyond.every((columns) => columns === 0)) return convolved(op, "ConvTranspose", d, axis, rows);
    return contractAxis(op, d, axis, a);
  }, dy);
  // Folding the positions beyond the borders comes last, when the tensor is smallest.
  return fixed.reduce((d, { axis, stencil }) => (stencil ? folded(op, d, axis, stencil) : d), shrunk);
};
