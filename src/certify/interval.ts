/**
 * Interval bound propagation (Gowal et al., "On the Effectiveness of Interval Bound Propagation", 2018) of an ONNX graph into an ONNX
 * graph: for each value, a centre and a radius that hold for all images of a ball. Only the driver finds the paths from the image to the
 * target; the rules contain the bounds.
 */

import type { Builder } from "../onnx/build.ts";
import { leadingTo, type Step } from "../onnx/step.ts";
import type { Value } from "../onnx/value.ts";
import { boundRules as table } from "./interval-rules/table.ts";
import {
  largestIn,
  roundingOf,
  UnsupportedBoundError,
  type AffineRule,
  type Ball,
  type BoundContext,
  type BoundRule,
  type ProperBall,
} from "./interval-rules/rule.ts";

/** The operators of the standard domain that have a bound rule. */
export const boundedOperators: readonly string[] = Object.keys(table).toSorted();

/** @throws UnsupportedBoundError */
const ruleFor = ({ node }: Step): BoundRule => {
  const rule = node.domain === "" && Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  if (!rule) throw new UnsupportedBoundError(`operator ${node.op}`, node.name, boundedOperators);
  return rule;
};

/** A step on a path from the image to the target, with what its rule needs. */
export interface BoundedStep {
  readonly step: Step;
  readonly rule: BoundRule;
  readonly context: BoundContext;
}

export interface Intervals {
  /** In order. */
  readonly path: readonly BoundedStep[];
  readonly ballOf: (value: Value) => Ball;
}

/** The steps on a path from `source` to `target`, in order. */
const pathSteps = (steps: readonly Step[], target: Value, source: Value): readonly Step[] => {
  const reached = new Set([source.name]);
  return leadingTo(steps, target.name).filter(({ inputs, outputs }) => {
    if (!inputs.some((v) => v && reached.has(v.name))) return false;
    for (const v of outputs) reached.add(v.name);
    return true;
  });
};

/**
 * What each input stands for in |L|·v: its radius, and where sums are rounded also `rounding` times the largest magnitude in its ball. A
 * copy of a constant needs nothing.
 */
const widths = (
  { op, balls }: BoundContext,
  data: readonly number[],
  rounding: Value | null,
  withRadius: boolean,
): readonly (Value | null)[] =>
  balls.map((ball, i) => {
    if (!ball || !data.includes(i)) return null;
    const rounded = rounding && op.Mul(largestIn(op, ball), rounding);
    if (!withRadius || !ball.radius) return rounded;
    return rounded ? op.Add(ball.radius, rounded) : ball.radius;
  });

const affineBall = (rule: AffineRule, context: BoundContext): ProperBall => {
  const { op, node, inputs, balls } = context;
  const data = rule.data(context);
  const stray = balls.findIndex((ball, i) => ball?.radius && !data.includes(i));
  if (stray >= 0)
    throw new UnsupportedBoundError(`${node.op} with an input ${stray} that depends on the image`, node.name);
  const at = inputs.map((x, i) => (balls[i]?.radius ? balls[i].centre : x));
  const [terms] = rule.terms(context);
  return {
    centre: op.appendNode(node.op, at, node.attributes, 1)[0]!,
    radius: rule.spread(context, widths(context, data, terms > 0 ? roundingOf(context, terms) : null, true)),
  };
};

/**
 * By how much the output of an affine step can differ from L·x + constants, added over the run and the adjoint that takes coefficients
 * back through it; null where nothing is rounded.
 */
export const roundingErrorOf = (rule: AffineRule, context: BoundContext): Value | null => {
  const [forward, backward] = rule.terms(context);
  if (forward + backward === 0) return null;
  const rounding = roundingOf(context, forward + backward);
  return rule.spread(context, widths(context, rule.data(context), rounding, false));
};

/**
 * Appends the balls of all values between `source` and `target`.
 *
 * @param around the ball of `source`.
 * @param unit the unit roundoff, a scalar; with 0 the bounds are those of exact arithmetic, as far as float32 computes them.
 * @throws UnsupportedBoundError for an operator on a path that has no rule.
 */
export const intervals = (op: Builder, target: Value, source: Value, around: ProperBall, unit: Value): Intervals => {
  const balls = new Map<string, Ball>([[source.name, around]]);
  const ballOf = (value: Value): Ball => balls.get(value.name) ?? { centre: value, radius: null };
  const path = pathSteps([...op.steps], target, source).map((step): BoundedStep => {
    const rule = ruleFor(step);
    const { node, inputs, outputs } = step;
    const context = { op, node, inputs, outputs, balls: inputs.map((v) => v && ballOf(v)), unit, ballOf };
    balls.set(outputs[0]!.name, rule.kind === "affine" ? affineBall(rule, context) : rule.ball(context));
    return { step, rule, context };
  });
  return { path, ballOf };
};
