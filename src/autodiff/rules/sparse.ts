/**
 * Constant sparse matrices that act along one axis (resizing, reflected padding). Everything built from them here takes memory and
 * time proportional to the number of rows, columns and entries, never to rows × columns.
 */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import { tensor, type Tensor } from "../../tensor.ts";

/** A matrix in compressed sparse row (CSR) format: entry k of row i is at starts[i] + k. */
export interface Sparse {
  readonly rows: number;
  readonly columns: number;
  /** rows + 1 elements; the last one is the number of entries. */
  readonly starts: Int32Array;
  /** Column of each entry. */
  readonly at: Int32Array;
  readonly weights: Float32Array;
}

/** @param entries calls `put` with column and weight of every entry of row i, at most `maxPerRow` times. */
export const sparseOf = (
  rows: number,
  columns: number,
  maxPerRow: number,
  entries: (i: number, put: (column: number, weight: number) => void) => void,
): Sparse => {
  const starts = new Int32Array(rows + 1);
  const at = new Int32Array(rows * maxPerRow);
  const weights = new Float32Array(rows * maxPerRow);
  let [count, first] = [0, 0];
  /** Entries of a row with the same column are summed. */
  const put = (column: number, weight: number): void => {
    let k = first;
    while (k < count && at[k] !== column) k++;
    if (k === count && weight !== 0) at[count++] = column;
    if (k < count) weights[k]! += weight;
  };
  for (let i = 0; i < rows; i++) {
    starts[i] = first = count;
    entries(i, put);
  }
  starts[rows] = count;
  return { rows, columns, starts, at: at.slice(0, count), weights: weights.slice(0, count) };
};

/** Aᵀ */
export const transposed = ({ rows, columns, starts, at, weights }: Sparse): Sparse => {
  const next = new Int32Array(columns + 1);
  for (const column of at) next[column + 1]!++;
  for (let j = 0; j < columns; j++) next[j + 1]! += next[j]!;
  const turned = { starts: next.slice(), at: new Int32Array(at.length), weights: new Float32Array(at.length) };
  for (let i = 0; i < rows; i++) {
    for (let k = starts[i]!; k < starts[i + 1]!; k++) {
      const to = next[at[k]!]!++;
      turned.at[to] = i;
      turned.weights[to] = weights[k]!;
    }
  }
  return { rows: columns, columns: rows, ...turned };
};

/** The dense matrix, [rows, columns]. */
const dense = ({ rows, columns, starts, at, weights }: Sparse): Tensor<"float32"> => {
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let k = starts[i]!; k < starts[i + 1]!; k++) data[i * columns + at[k]!]! += weights[k]!;
  return tensor("float32", [rows, columns], data);
};

/** Up to this many rows or columns the dense product is the fastest form, and the dense matrix is linear in the other dimension. */
const DENSE_SIDE = 64;

/** Aᵀ·dy along `axis` as a dense matrix product. */
const multiplied = (op: Builder, dy: Value, axis: number, a: Sparse): Value => {
  const rank = dy.shape.length;
  const matrix = (m: Sparse) => op.cast(op.tensor(dense(m), "resample"), dy.dtype);
  if (axis === rank - 1) return op.MatMul(dy, matrix(a));
  if (axis === rank - 2) return op.MatMul(matrix(transposed(a)), dy);
  const perm = dy.shape.map((_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
  return op.Transpose(op.MatMul(op.Transpose(dy, { perm }), matrix(a)), { perm });
};

/** Aᵀ·dy along `axis`, which is transposed to the front: for each k, the rows of dy times the k-th entry of their row of A are added at its column. */
const scattered = (op: Builder, dy: Value, axis: number, { rows, columns, starts, at, weights }: Sparse): Value => {
  const rank = dy.shape.length;
  const perm = [axis, ...dy.shape.flatMap((_, i) => (i === axis ? [] : [i]))];
  const front = op.Transpose(dy, { perm });
  let longest = 0;
  for (let i = 0; i < rows; i++) longest = Math.max(longest, starts[i + 1]! - starts[i]!);
  let sum = op.zeros({ dtype: dy.dtype, shape: [columns, ...front.shape.slice(1)] });
  for (let k = 0; k < longest; k++) {
    const index = new BigInt64Array(rows);
    const factor = new Float32Array(rows);
    for (let i = 0; i < rows; i++) {
      if (starts[i]! + k >= starts[i + 1]!) continue;
      index[i] = BigInt(at[starts[i]! + k]!);
      factor[i] = weights[starts[i]! + k]!;
    }
    const column = tensor("float32", [rows, ...Array.from({ length: rank - 1 }, () => 1)], factor);
    const scale = op.cast(op.tensor(column, "resample_weights"), dy.dtype);
    const updates = factor.every((w) => w === 1) ? front : op.Mul(front, scale);
    const places = op.tensor(tensor("int64", [rows, 1], index), "resample_indices");
    sum = op.ScatterND(sum, places, updates, { reduction: "add" });
  }
  return op.Transpose(sum, { perm: dy.shape.map((_, i) => perm.indexOf(i)) });
};

/** The adjoint of y = A·x along `axis`, for a constant A [out, in]: dx = Aᵀ·dy. */
export const contractAxis = (op: Builder, dy: Value, axis: number, a: Sparse): Value =>
  (Math.min(a.rows, a.columns) <= DENSE_SIDE ? multiplied : scattered)(op, dy, axis, a);

/** The adjoint of y[i] = x[of(i)] along `axis`, which has `size` elements in x: dx[j] = Σ dy[i] over of(i) = j. */
export const copiesBack = (op: Builder, dy: Value, axis: number, size: number, of: (i: number) => number): Value =>
  contractAxis(
    op,
    dy,
    axis,
    sparseOf(dy.shape[axis]!, size, 1, (i, put) => put(of(i), 1)),
  );
