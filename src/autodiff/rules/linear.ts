/** Matrix products. */

import type { Builder } from "../../onnx/build.ts";
import { floatOf, intOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import type { Vjp, VjpRule } from "../rule.ts";

const swapLast = (op: Builder, v: Value): Value => {
  const rank = v.shape.length;
  return op.Transpose(v, { perm: v.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });
};

/** A vector as a matrix: a row on the left of the product, a column on the right. */
const asMatrix = (op: Builder, v: Value, side: "left" | "right"): Value =>
  v.shape.length > 1 ? v : op.Reshape(v, op.ints(side === "left" ? [1, v.shape[0]!] : [v.shape[0]!, 1]));

/** The gradient of a matrix product by one of its factors, with vectors and batch broadcasting as in MatMul. */
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

/** y = α·a′·b′ + β·c, where ′ is an optional transposition. */
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
