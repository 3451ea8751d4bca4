/** Activations with one kink at 0: f(x) = s·x + (1 − s)·max(x, 0), with the slope s on the left. */

import { floatOf } from "../../onnx/graph.ts";
import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import {
  largestIn,
  properBall,
  unboundedForm,
  widened,
  type BoundContext,
  type CurvedRule,
  type ProperBall,
} from "./rule.ts";

/**
 * Exact without differences of nearly equal numbers, so that radii far below the spacing of float32 around the centre survive:
 * where the ball lies on one side of the kink it is scaled; else it is [min(s·l, 0), max(u, s·l)] with l < 0 < u.
 */
const kinkedBall = (context: BoundContext, slope: Value | null): ProperBall => {
  const { op } = context;
  const { centre, radius } = properBall(context);
  const right = op.GreaterOrEqual(centre, radius);
  const half = op.constant(0.5);
  const upper = op.Add(centre, radius);
  if (!slope) {
    const middle = op.Mul(op.Relu(upper), half);
    const y = { centre: op.Where(right, centre, middle), radius: op.Where(right, radius, middle) };
    return { centre: y.centre, radius: widened(context, y.radius, y.centre, 0) };
  }
  const left = op.LessOrEqual(centre, op.Neg(radius));
  const lower = op.Mul(slope, op.Sub(centre, radius));
  const low = op.Min(lower, op.constant(0));
  const high = op.Max(upper, lower);
  const across = (onRight: Value, onLeft: Value, between: Value): Value =>
    op.Where(right, onRight, op.Where(left, onLeft, op.Mul(between, half)));
  const steepest = op.Max(op.Abs(slope), op.constant(1));
  const spread = across(radius, op.Mul(op.Abs(slope), radius), op.Sub(high, low));
  return {
    centre: across(centre, op.Mul(slope, centre), op.Add(low, high)),
    radius: widened(context, spread, op.Mul(steepest, largestIn(op, { centre, radius })), 0),
  };
};

/** min(max(x, 0), 1) */
const asShare = (op: Builder, x: Value): Value => op.Min(op.Relu(x), op.constant(1));

/** So small that it changes no radius, and no division by it overflows to NaN. */
const LEAST = 1e-30;

/**
 * Of the coefficients b = (1 − s)·a of max(x, 0), the positive ones take a line through the origin below it, of slope 1 where the centre is
 * positive and else 0 (CROWN, Zhang et al. 2018), the negative ones the chord from (l, 0) to (u, u), of slope w = u/(u − l).
 * At the image x₀ the line lies max(0, ∓x₀) below, and the chord min(w·(x₀ − l), (1 − w)·(u − x₀)) above. On one side of the kink
 * w is 1 or 0 and both are 0.
 */
const kinkedRelax =
  (slopeOf: (context: BoundContext) => Value | null): NonNullable<CurvedRule["relax"]> =>
  (context, a) => {
    const { op, inputs } = context;
    const slope = slopeOf(context);
    const x0 = inputs[0]!;
    const ball = properBall(context);
    const { centre } = ball;
    const zero = op.constant(0);
    const one = op.constant(1);
    const rounding = widened(context, zero, largestIn(op, ball), 0);
    const radius = op.Add(ball.radius, rounding);
    const [low, high] = [op.Sub(centre, radius), op.Add(centre, radius)];
    const chord = asShare(op, op.Div(high, op.Max(op.Add(radius, radius), op.constant(LEAST))));
    const above = op.Relu(op.Min(op.Mul(chord, op.Sub(x0, low)), op.Mul(op.Sub(one, chord), op.Sub(high, x0))));
    const isRight = op.GreaterOrEqual(centre, zero);
    const line = op.Where(isRight, one, zero);
    const below = op.Relu(op.Where(isRight, op.Neg(x0), x0));
    const b = slope ? op.Mul(a, op.Sub(one, slope)) : a;
    // No mask of the coefficients: masks are computed as early as they can be, and would hold up the losses (`orderForMemory`).
    const [up, down] = [op.Relu(b), op.Relu(op.Neg(b))];
    const bent = op.Sub(op.Mul(up, line), op.Mul(down, chord));
    const loss = op.Add(op.Mul(up, below), op.Mul(down, above));
    const steepest = slope ? op.Mul(rounding, op.Max(op.Abs(slope), one)) : rounding;
    return {
      cotangent: slope ? op.Add(op.Mul(a, slope), bent) : bent,
      losses: [op.Add(loss, op.Mul(op.Abs(a), steepest))],
    };
  };

const kinked = (slopeOf: (context: BoundContext) => Value | null): CurvedRule => ({
  kind: "curved",
  ball: (context) => kinkedBall(context, slopeOf(context)),
  relax: kinkedRelax(slopeOf),
});

export const Relu = kinked(() => null);
export const LeakyRelu = kinked(({ op, node }) => op.constant(floatOf(node, "alpha", 0.01)));
export const PRelu = kinked(({ node, inputs, balls }) =>
  balls[1]?.radius ? unboundedForm(node, "slopes that depend on the image") : inputs[1]!,
);
