/**
 * Backward linear bounds (CROWN: Zhang et al., "Efficient Neural Network Robustness Certification with General Activation Functions",
 * NeurIPS 2018; with intermediate bounds by intervals, as CROWN-IBP, ICLR 2020) of an ONNX graph, as an ONNX graph like the gradient's
 * own: coefficients go back through affine operators by the adjoint that the gradient has too, and through the others by linear bounds
 * over their balls. All is taken relative to the run at the image x₀, so that constants and biases cancel:
 *
 *     ⟨a, z − z₀⟩ ≥ ⟨coefficients, x − x₀⟩ − loss,    loss = Σ of what relaxations and rounding lose, all ≥ 0
 */

import { pullbackOf, ruleOf, unbroadcast } from "../autodiff/gradient.ts";
import type { VjpContext } from "../autodiff/rule.ts";
import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { roundingErrorOf, type BoundedStep, type Intervals } from "./interval.ts";
import {
  awayFromImage,
  UnsupportedBoundError,
  type AffineRule,
  type BoundContext,
  type Relaxed,
} from "./interval-rules/rule.ts";

/** Lower bounds of K combinations of the target. */
export interface LinearBounds {
  /** [K, …]: the coefficients of the source. */
  readonly coefficients: Value;
  /** [K] each, not negative: what relaxations and rounding lose, the last operators of the network first. */
  readonly losses: readonly Value[];
}

/** Σ over all axes but the first, one axis after another: no sum is longer than the longest axis. */
export const summed = (op: Builder, v: Value): Value =>
  v.shape.length === 1 ? v : summed(op, op.ReduceSum(v, op.ints([v.shape.length - 1]), { keepdims: 0 }));

/** A value as K copies of it, for rules that read its shape alone. @throws UnsupportedBoundError where there is no batch axis. */
const copied = (step: BoundedStep, value: Value, copies: number): Value => {
  const { node } = step.step;
  if (value.shape[0] !== 1)
    throw new UnsupportedBoundError(`${node.op} on a value without a leading axis of 1`, node.name);
  return { ...value, shape: [copies, ...value.shape.slice(1)] };
};

/** The coefficients of each input that depends on the image: the adjoint reads nothing of the inputs but shapes and constants. */
const affineBack = (bounded: BoundedStep, a: Value): readonly (readonly [Value, Value])[] => {
  const { op, node, inputs, outputs, balls } = bounded.context;
  const copies = a.shape[0]!;
  const depends = balls.map((ball) => Boolean(ball?.radius));
  const many = inputs.map((x, i) => (x && depends[i] ? copied(bounded, x, copies) : x));
  const y = copied(bounded, outputs[0]!, copies);
  // Sizes that are given for all axes name the batch too; Resize's adjoint reads no other shape of its inputs.
  const seen = node.op === "Resize" ? inputs : many;
  const context: VjpContext = { op, node, inputs: seen, y, outputs: [y], cotangent: () => a, dependsOn: () => true };
  const rule = ruleOf(node.op)!;
  return many.flatMap((x, i) => {
    if (!x || !depends[i]) return [];
    const back = pullbackOf(rule, i)!(a, context, ...(many as readonly Value[]));
    return [[inputs[i]!, unbroadcast(op, back, x.shape)] as const];
  });
};

const affineLosses = (rule: AffineRule, { context }: BoundedStep, a: Value): readonly Value[] => {
  const error = roundingErrorOf(rule, context);
  return error ? [context.op.Mul(context.op.Abs(a), error)] : [];
};

/** Without linear bounds the output is anything in its ball. */
const cut = (context: BoundContext, a: Value): Relaxed => {
  const { op } = context;
  const away = awayFromImage(context);
  return { cotangent: null, losses: [op.Mul(op.Abs(a), away)] };
};

/**
 * Appends the backward pass of `seed` [K, …], coefficients of K combinations of `target`.
 *
 * @throws UnsupportedBoundError where a value has no leading axis of 1, along which the K combinations lie.
 */
export const linearBounds = (
  op: Builder,
  { path }: Intervals,
  target: Value,
  source: Value,
  seed: Value,
): LinearBounds => {
  const coefficients = new Map([[target.name, seed]]);
  const losses: Value[] = [];
  const accumulate = (value: Value, a: Value): void => {
    const known = coefficients.get(value.name);
    coefficients.set(value.name, known ? op.Add(known, a) : a);
  };
  for (const bounded of path.toReversed()) {
    const { rule, context } = bounded;
    const a = coefficients.get(context.outputs[0]!.name);
    if (!a) continue;
    if (rule.kind === "affine") {
      for (const [x, back] of affineBack(bounded, a)) accumulate(x, back);
      losses.push(...affineLosses(rule, bounded, a).map((v) => summed(op, v)));
      continue;
    }
    const relaxed = rule.relax?.(context, a) ?? cut(context, a);
    if (relaxed.cotangent) accumulate(context.inputs[0]!, relaxed.cotangent);
    losses.push(...relaxed.losses.map((v) => summed(op, v)));
  }
  const none = op.zeros({ dtype: "float32", shape: [seed.shape[0]!, ...source.shape.slice(1)] });
  return { coefficients: coefficients.get(source.name) ?? none, losses };
};

/**
 * [K]: by how much each combination can fall short of its value at the image, ε·Σ|coefficient| + Σ losses. onnxruntime executes what stands last in
 * the file first: the sum of the losses stands there, so that each is taken as soon as its coefficients are known, which are then freed.
 */
export const shortfall = (op: Builder, { coefficients, losses }: LinearBounds, epsilon: Value): Value => {
  const reach = op.Mul(summed(op, op.Abs(coefficients)), epsilon);
  const [first, ...others] = losses;
  return first
    ? op.Add(
        others.reduce((sum, v) => op.Add(sum, v), first),
        reach,
      )
    : reach;
};
