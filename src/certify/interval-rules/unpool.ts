/** Max-unpooling: where the places of the maxima are not certain, the hull of all that can come of them. */

import { intOf, intsOf } from "../../onnx/graph.ts";
import { windowOf } from "../../onnx/infer/window.ts";
import type { Step } from "../../onnx/step.ts";
import type { Value } from "../../onnx/value.ts";
import { dimensionsOf, sameShape, sizeOf } from "../../tensor.ts";
import { gathered, placesOfEach } from "./places.ts";
import {
  awayFromImage,
  largestIn,
  properBall,
  unboundedForm,
  widened,
  type BoundContext,
  type CurvedRule,
} from "./rule.ts";

/** The pooling whose places are taken. Its windows must tile what it pools, so that each element is in one of them. */
const poolingOf = ({ op, node, inputs, outputs }: BoundContext): Step => {
  const step = op.producer(inputs[1]!);
  const [x] = step?.inputs ?? [];
  if (step?.node.op !== "MaxPool" || step.outputs[1]?.name !== inputs[1]!.name || x?.shape.length !== 4)
    return unboundedForm(node, "places that are not those of a MaxPool");
  const { kernel, strides, dilations, pads } = windowOf(
    step.node,
    x.shape.slice(2),
    intsOf(step.node, "kernel_shape", []),
  );
  const tiles = kernel.every((k, i) => k === strides[i] && dilations[i] === 1) && pads.every((p) => p === 0);
  if (!tiles || intOf(step.node, "ceil_mode", 0) !== 0)
    return unboundedForm(node, "places of a pooling whose windows overlap, are padded, or leave the input");
  if (!sameShape(x.shape, outputs[0]!.shape) || !sameShape(step.outputs[0]!.shape, inputs[0]!.shape))
    return unboundedForm(node, "another size than that of what was pooled");
  return step;
};

/** [N,C,h,w] with each element repeated over its window, and `beyond` where there is none. */
const overWindows = ({ op, outputs: [y] }: BoundContext, v: Value, [kh, kw]: readonly number[], beyond = 0): Value => {
  const [n, c, h, w] = dimensionsOf(v, 4);
  const [, , height, width] = dimensionsOf(y!, 4);
  const spread = op.Expand(op.Reshape(v, op.ints([n, c, h, 1, w, 1])), op.ints([n, c, h, kh!, w, kw!]));
  const tiled = op.Reshape(spread, op.ints([n, c, h * kh!, w * kw!]));
  const pads = [0, 0, 0, 0, 0, 0, height - h * kh!, width - w * kw!];
  return pads.some((p) => p > 0) ? op.Pad(tiled, op.ints(pads), op.constant(beyond)) : tiled;
};

/**
 * Which elements can be the maximum of their window (u ≥ the window's largest l), and which windows have a certain one: one element
 * alone can be it, or those that can are all constant, as zeros behind a Relu are.
 */
const certainty = (context: BoundContext) => {
  const { op, inputs, outputs, ballOf } = context;
  const pool = poolingOf(context);
  const kernel = intsOf(pool.node, "kernel_shape", []);
  const { centre, radius } = ballOf(pool.inputs[0]!);
  if (!radius) return unboundedForm(context.node, "places that do not depend on the image");
  const pooled = (by: "MaxPool" | "AveragePool", v: Value): Value =>
    op[by](v, { kernel_shape: kernel, strides: kernel });
  const wide = widened(context, radius, op.Abs(centre), 0);
  const least = overWindows(context, pooled("MaxPool", op.Sub(centre, wide)), kernel, 1e30);
  const possible = op.cast(op.GreaterOrEqual(op.Add(centre, wide), least), "float32");
  const few = op.Less(pooled("AveragePool", possible), op.constant(1.5 / sizeOf(kernel)));
  const fixed = op.LessOrEqual(pooled("MaxPool", op.Mul(possible, radius)), op.constant(0));
  const certain = op.cast(op.Or(few, fixed), "float32");
  const marks = op.MaxUnpool(
    op.Expand(op.constant(1), op.ints(inputs[0]!.shape)),
    inputs[1],
    op.ints(outputs[0]!.shape),
    {
      kernel_shape: [1, 1],
      strides: [1, 1],
    },
  );
  const isCertain = overWindows(context, certain, kernel);
  const taken = op.Where(op.Greater(isCertain, op.constant(0)), marks, possible);
  return { certain, isCertain, taken, over: (v: Value) => overWindows(context, v, kernel) };
};

/** The hull of 0 and the ball, where the place is not certain. */
const hull = (context: BoundContext, certain: Value) => {
  const { op } = context;
  const ball = properBall(context);
  const { centre, radius } = ball;
  const zero = op.constant(0);
  const [low, high] = [op.Min(op.Sub(centre, radius), zero), op.Max(op.Add(centre, radius), zero)];
  const half = op.constant(0.5);
  const is = op.Greater(certain, zero);
  return {
    centre: op.Where(is, centre, op.Mul(op.Add(low, high), half)),
    radius: widened(context, op.Where(is, radius, op.Mul(op.Sub(high, low), half)), largestIn(op, ball), 0),
  };
};

export const MaxUnpool: CurvedRule = {
  kind: "curved",
  ball: (context) => {
    const { op } = context;
    const { certain, taken, over } = certainty(context);
    const { centre, radius } = hull(context, certain);
    return { centre: op.Mul(over(centre), taken), radius: op.Mul(over(radius), taken) };
  },
  /** Where the place is certain, coefficients go back to it; elsewhere the output is anything in its ball. */
  relax: (context, a) => {
    const { op, inputs, outputs } = context;
    const { certain, isCertain } = certainty(context);
    const loose = op.Mul(awayFromImage(context), op.Sub(op.constant(1), isCertain));
    const places = placesOfEach(op, inputs[1]!, sizeOf(outputs[0]!.shape), a.shape[0]!);
    return {
      cotangent: op.Mul(gathered(op, a, places), certain),
      losses: [op.Mul(op.Abs(a), loose)],
    };
  },
};
