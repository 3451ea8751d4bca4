/** The types of bound rules, and outward rounding. */

import type { Builder } from "../../onnx/build.ts";
import { OPSET } from "../../onnx/build.ts";
import type { Node } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";

/** All tensors within `radius` of `centre`, element by element. A radius of null: the value does not depend on the image. */
export interface Ball {
  readonly centre: Value;
  /** Not negative; it has the centre's shape. */
  readonly radius: Value | null;
}

/** A ball around a value that depends on the image. */
export interface ProperBall extends Ball {
  readonly radius: Value;
}

/** The arguments of a bound rule. */
export interface BoundContext {
  /** The builder to which the bounds are appended. */
  readonly op: Builder;
  /** The node of the network, its inputs and its outputs: values at the image itself. */
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  /** The balls of its inputs; null for an optional input that is absent. */
  readonly balls: readonly (Ball | null)[];
  /** The unit roundoff, a scalar that the graph is fed: 2⁻²⁴, or 0 where rounding is ignored. */
  readonly unit: Value;
  readonly ballOf: (value: Value) => Ball;
}

/**
 * y = L·x + constants. The driver runs the node itself on the centres; `spread` is |L|, which takes radii to radii.
 */
export interface AffineRule {
  readonly kind: "affine";
  /** The inputs that L or the constants multiply or add; all others must be constant. */
  readonly data: (context: BoundContext) => readonly number[];
  /** |L|·v for values v ≥ 0 that stand for the inputs; null for an input that contributes nothing. */
  readonly spread: (context: BoundContext, v: readonly (Value | null)[]) => Value;
  /**
   * The number of terms in the sums of L and of its adjoint, by which their rounding is bounded: with u = 2⁻²⁴ a sum of n products
   * is wrong by at most γₙ = n·u/(1 − n·u) times the sum of their magnitudes, in any order (Higham 2002, section 3.1). Both 0 for copies.
   */
  readonly terms: (context: BoundContext) => readonly [forward: number, backward: number];
}

/** What remains of a cotangent behind an operator that is not affine. */
export interface Relaxed {
  /** [K, …]: the coefficients of the operator's first input; null where none are left. */
  readonly cotangent: Value | null;
  /** Not negative, [K, …]: what the sum of the bound loses. */
  readonly losses: readonly Value[];
}

/** An operator that is not affine in its first input. */
export interface CurvedRule {
  readonly kind: "curved";
  readonly ball: (context: BoundContext) => ProperBall;
  /**
   * Linear lower bounds of ⟨a, y − y₀⟩ over the ball, where a [K, …] are coefficients of the output and y₀ is the output at the image:
   * ⟨cotangent, x − x₀⟩ − Σ losses. Without it the output counts as anything in its own ball.
   */
  readonly relax?: (context: BoundContext, a: Value) => Relaxed;
}

export type BoundRule = AffineRule | CurvedRule;

/** The network has an operator without a bound rule, or a form of one. */
export class UnsupportedBoundError extends Error {
  override readonly name = "UnsupportedBoundError";
  readonly operator: string;
  constructor(operator: string, node: string, known?: readonly string[]) {
    const list = known ? `; there are rules for ${known.join(", ")}` : "";
    super(`no bound rule for ${operator} (node "${node}", opset ${OPSET})${list}`);
    this.operator = operator;
  }
}

/** @throws UnsupportedBoundError for a form of an operator that has no rule. */
export const unboundedForm = ({ op, name }: Node, form: string): never => {
  throw new UnsupportedBoundError(`${op} with ${form}`, name);
};

/** The ball of an input that depends on the image, which must be the first. */
export const properBall = ({ node, balls }: BoundContext, index = 0): ProperBall => {
  const ball = balls[index];
  if (!ball?.radius) return unboundedForm(node, `an input ${index} that does not depend on the image`);
  return { centre: ball.centre, radius: ball.radius };
};

/** n·u with a margin of 8 terms, for the arithmetic of the bound itself; 4-fold, for the run, the centre, the radius and 1/(1 − n·u). */
export const roundingOf = ({ op, unit }: Pick<BoundContext, "op" | "unit">, terms: number): Value =>
  op.Mul(unit, op.constant(4 * (terms + 8)));

/** |centre| + radius: no element of the ball is larger. */
export const largestIn = (op: Builder, { centre, radius }: Ball): Value =>
  radius ? op.Add(op.Abs(centre), radius) : op.Abs(centre);

/** The radius, widened by the rounding of a sum of `terms` products of that magnitude. */
export const widened = (
  context: Pick<BoundContext, "op" | "unit">,
  radius: Value,
  magnitude: Value,
  terms: number,
): Value => context.op.Add(radius, context.op.Mul(magnitude, roundingOf(context, terms)));

/** By how much the output can differ from that at the image. */
export const awayFromImage = ({ op, outputs: [y], ballOf }: BoundContext): Value => {
  const { centre, radius } = ballOf(y!);
  return op.Add(radius, op.Abs(op.Sub(centre, y)));
};

/** a + b, where null is nothing. */
export const plus = (op: Builder, a: Value | null | undefined, b: Value | null | undefined): Value =>
  a && b ? op.Add(a, b) : (a ?? b)!;

/** The node's operator on other inputs. */
export const again = ({ op, node }: BoundContext, inputs: readonly (Value | null)[]): Value =>
  op.appendNode(node.op, inputs, node.attributes, 1)[0]!;
