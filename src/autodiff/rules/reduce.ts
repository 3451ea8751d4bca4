/** Reductions. dy is broadcast to every element that was reduced. */

import { intOf } from "../../onnx/graph.ts";
import { reduceAxes } from "../../onnx/infer/reduce.ts";
import type { Value } from "../../onnx/value.ts";
import type { Vjp, VjpContext, VjpRule } from "../rule.ts";

/** `v`, which has the shape of the output, with the reduced axes kept as size 1, so that it broadcasts against the input. */
const kept = ({ op, node, inputs }: VjpContext, v: Value): Value => {
  const axes = reduceAxes(node, inputs);
  return op.Reshape(v, op.ints(inputs[0]!.shape.map((d, i) => (axes.includes(i) ? 1 : d))));
};

const rule = (vjp: Vjp): VjpRule => [vjp, null];

/** y = Σ x */
export const ReduceSum: VjpRule = rule((dy, context, x) =>
  context.op.Expand(kept(context, dy), context.op.ints(x.shape)),
);

/** y = Σ x / n */
export const ReduceMean: VjpRule = rule((dy, context, x) => {
  const { op, node, inputs } = context;
  const n = reduceAxes(node, inputs).reduce((product, axis) => product * x.shape[axis]!, 1);
  return op.Expand(op.Mul(kept(context, dy), op.constant(1 / n, dy.dtype)), op.ints(x.shape));
});

/** y = max x or min x; dx = dy divided equally among the elements that attain it. */
const extremum = rule((dy, context, x) => {
  const { op, node, inputs, y } = context;
  const axes = reduceAxes(node, inputs);
  if (axes.length === 0) return dy;
  const attained = op.cast(op.Equal(x, kept(context, y)), dy.dtype);
  const ties = op.ReduceSum(attained, op.ints(axes), { keepdims: 1 });
  return op.Mul(op.Div(kept(context, dy), ties), attained);
});
export const ReduceMax: VjpRule = extremum;
export const ReduceMin: VjpRule = extremum;

/** y = Π x; dx = dy·y/x, for x ≠ 0. */
export const ReduceProd: VjpRule = rule((dy, context, x) =>
  context.op.Div(kept(context, context.op.Mul(dy, context.y)), x),
);

/** y = Σ |x| */
export const ReduceL1: VjpRule = rule((dy, context, x) => context.op.Mul(kept(context, dy), context.op.Sign(x)));

/** y = √Σ x²; dx = dy·x/y. */
export const ReduceL2: VjpRule = rule((dy, context, x) =>
  context.op.Mul(kept(context, context.op.Div(dy, context.y)), x),
);

/** y = Σ x² */
export const ReduceSumSquare: VjpRule = rule((dy, context, x) =>
  context.op.Mul(kept(context, context.op.Add(dy, dy)), x),
);

/** y = ln Σ x; dx = dy/eʸ. */
export const ReduceLogSum: VjpRule = rule((dy, context, x) =>
  context.op.Expand(kept(context, context.op.Div(dy, context.op.Exp(context.y))), context.op.ints(x.shape)),
);

/** y = ln Σ eˣ; dx = dy·e^(x − y). */
export const ReduceLogSumExp: VjpRule = rule((dy, context, x) => {
  const { op, y } = context;
  return op.Mul(kept(context, dy), op.Exp(op.Sub(x, kept(context, y))));
});

/** y = the cumulative sum of x; dx = the cumulative sum of dy in the opposite direction. */
export const CumSum: VjpRule = [
  (dy, { op, node }, _, axis) =>
    op.CumSum(dy, axis, { exclusive: intOf(node, "exclusive", 0), reverse: 1 - intOf(node, "reverse", 0) }),
  null,
];

/** y = the k largest (or smallest) values; dx adds dy at their indices. */
export const TopK: VjpRule = [
  (dy, { op, node, outputs }, x) =>
    op.ScatterElements(op.zeros({ dtype: dy.dtype, shape: x.shape }), outputs[1], dy, {
      axis: intOf(node, "axis", -1),
      reduction: "add",
    }),
  null,
];
