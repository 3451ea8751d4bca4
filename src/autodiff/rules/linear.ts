/** Operators that apply one matrix along an axis (resizing, mirrored padding), and products of matrices. */

import { tensor, type Tensor } from "../../tensor.ts";
import type { Builder } from "../../onnx/build.ts";
import { floatOf, intOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import type { Vjp, VjpRule } from "../rule.ts";

export const transposed = ({ shape: [rows = 0, columns = 0], data }: Tensor): Tensor<"float32"> => {
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = Number(data[r * columns + c]);
  return tensor("float32", [columns, rows], out);
};

/** The adjoint of y = A·x along `axis`, for a constant A [out, in]: dx = Aᵀ·dy. */
export const contractAxis = (op: Builder, dy: Value, axis: number, a: Tensor<"float32">): Value => {
  const rank = dy.shape.length;
  const matrix = (t: Tensor) => op.cast(op.tensor(t, "resample"), dy.dtype);
  if (axis === rank - 1) return op.MatMul(dy, matrix(a));
  if (axis === rank - 2) return op.MatMul(matrix(transposed(a)), dy);
  const perm = dy.shape.map((_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
  return op.Transpose(op.MatMul(op.Transpose(dy, { perm }), matrix(a)), { perm });
};

/** The adjoint of y[i] = x[of(i)] along `axis`, which has `size` elements in x: dx adds up what was copied. */
export const copiesBack = (op: Builder, dy: Value, axis: number, size: number, of: (i: number) => number): Value => {
  const copies = dy.shape[axis]!;
  const data = new Float32Array(copies * size);
  for (let i = 0; i < copies; i++) data[i * size + of(i)] = 1;
  return contractAxis(op, dy, axis, tensor("float32", [copies, size], data));
};

const swapLast = (op: Builder, v: Value): Value => {
  const rank = v.shape.length;
  return op.Transpose(v, { perm: v.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });
};

/** Vectors become matrices for the product: the left one a row, the right one a column. */
const asMatrix = (op: Builder, v: Value, side: "left" | "right"): Value =>
  v.shape.length > 1 ? v : op.Reshape(v, op.ints(side === "left" ? [1, v.shape[0]!] : [v.shape[0]!, 1]));

/** The gradient of a product of matrices by one of its factors; vectors and broadcast stacks as MatMul has them. */
export const matMulBack =
  (side: "left" | "right"): Vjp =>
  (dy, { op }, a, b) => {
    const left = asMatrix(op, a, "left");
    const right = asMatrix(op, b, "right");
    const batch = dy.shape.slice(0, dy.shape.length - (a.shape.length > 1 ? 1 : 0) - (b.shape.length > 1 ? 1 : 0));
    const full = op.Reshape(dy, op.ints([...batch, left.shape.at(-2)!, right.shape.at(-1)!]));
    const d = side === "left" ? op.MatMul(full, swapLast(op, right)) : op.MatMul(swapLast(op, left), full);
    if (a.shape.length > 1 && side === "left") return d;
    if (b.shape.length > 1 && side === "right") return d;
    const length = side === "left" ? a.shape[0]! : b.shape[0]!;
    return op.Reshape(d, op.ints([...d.shape.slice(0, -2), length]));
  };

/** y = a·b; da = dy·bᵀ, db = aᵀ·dy. */
export const MatMul: VjpRule = [matMulBack("left"), matMulBack("right")];

/** y = α·a'·b' + β·c, where ' is an optional transposition. */
export const Gemm: VjpRule = [
  (dy, { op, node }, _, b) => {
    const scaled = op.Mul(dy, op.constant(floatOf(node, "alpha", 1), dy.dtype));
    const right = intOf(node, "transB", 0) ? b : swapLast(op, b);
    const da = op.MatMul(scaled, right);
    return intOf(node, "transA", 0) ? swapLast(op, da) : da;
  },
  (dy, { op, node }, a) => {
    const scaled = op.Mul(dy, op.constant(floatOf(node, "alpha", 1), dy.dtype));
    const left = intOf(node, "transA", 0) ? a : swapLast(op, a);
    const db = op.MatMul(left, scaled);
    return intOf(node, "transB", 0) ? swapLast(op, db) : db;
  },
  (dy, { op, node }) => op.Mul(dy, op.constant(floatOf(node, "beta", 1), dy.dtype)),
];
