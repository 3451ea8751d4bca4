/** Softmax and LogSoftmax. */

import { intOf } from "../../onnx/graph.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import type { VjpContext, VjpRule } from "../rule.ts";

const sumOverAxis = ({ op, node, y }: VjpContext, v: Value): Value => {
  const axis = normaliseAxis(node, intOf(node, "axis", -1), y.shape.length);
  return op.ReduceSum(v, op.ints([axis]), { keepdims: 1 });
};

/** y = softmax(x); dx = y·(dy − Σ dy·y). */
export const Softmax: VjpRule = [
  (dy, context) => {
    const { op, y } = context;
    return op.Mul(y, op.Sub(dy, sumOverAxis(context, op.Mul(dy, y))));
  },
];

/** y = x − ln Σ eˣ; dx = dy − eʸ·Σ dy. */
export const LogSoftmax: VjpRule = [
  (dy, context) => {
    const { op, y } = context;
    return op.Sub(dy, op.Mul(op.Exp(y), sumOverAxis(context, dy)));
  },
];
