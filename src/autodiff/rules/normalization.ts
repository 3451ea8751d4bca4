/**
 * Normalisation: by constants per channel (BatchNormalization in evaluation mode), by the mean and variance of a group of elements,
 * by a norm, or by neighbouring channels (LRN).
 */

import type { Builder } from "../../onnx/build.ts";
import { floatOf, intOf, intsOf } from "../../onnx/graph.ts";
import { layerAxes } from "../../onnx/infer/normalization.ts";
import { normaliseAxis, type Value } from "../../onnx/value.ts";
import { numbersOf, sizeOf, tensorOf } from "../../tensor.ts";
import { unsupportedForm, type VjpContext, type VjpRule } from "../rule.ts";
import { fixedWeights } from "./weights.ts";

/** y = γ·(x − μ)/√(σ² + ε) + β; dx = dy·γ/√(σ² + ε), μ and σ² being constants. */
export const BatchNormalization: VjpRule = [
  (dy, { op, node }, x, scale, _, __, variance) => {
    const epsilon = floatOf(node, "epsilon", 1e-5);
    const shape = [x.shape[1]!, ...x.shape.slice(2).map(() => 1)];
    if (scale.constant && variance.constant) {
      const gamma = numbersOf(scale.constant);
      const factors = numbersOf(variance.constant).map((v, i) => gamma[i]! / Math.sqrt(v + epsilon));
      return op.Mul(dy, op.tensor(tensorOf("float32", shape, factors), "batch_norm_factor"));
    }
    const deviation = op.Sqrt(op.Add(variance, op.constant(epsilon, variance.dtype)));
    return op.Mul(dy, op.Reshape(op.Div(scale, deviation), op.ints(shape)));
  },
  fixedWeights,
  fixedWeights,
  fixedWeights,
  fixedWeights,
];

/** x − μ and 1/σ over `axes`, which have size 1 in 1/σ. */
interface Standardised {
  readonly axes: readonly number[];
  readonly centred: Value;
  readonly inverse: Value;
}

const meanOver = (op: Builder, v: Value, axes: readonly number[]): Value =>
  op.ReduceMean(v, op.ints(axes), { keepdims: 1 });

/** @param inverse computes 1/σ from the variance. */
const standardised = (
  op: Builder,
  x: Value,
  axes: readonly number[],
  inverse: (variance: Value) => Value,
): Standardised => {
  const centred = op.Sub(x, meanOver(op, x, axes));
  return { axes, centred, inverse: inverse(meanOver(op, op.Mul(centred, centred), axes)) };
};

/** σ² ↦ 1/√(σ² + ε) with the node's attribute ε. */
const inverseDeviation =
  ({ op, node }: VjpContext) =>
  (variance: Value): Value =>
    op.Reciprocal(op.Sqrt(op.Add(variance, op.constant(floatOf(node, "epsilon", 1e-5), variance.dtype))));

/** x̂ = (x − μ)/σ; dx = (g − mean g − x̂·mean(g·x̂))/σ. `factor` replaces 1/σ if a common factor was taken out of g. */
const standardisedBack = (
  op: Builder,
  g: Value,
  { axes, centred, inverse }: Standardised,
  factor: Value = inverse,
): Value => {
  const along = op.Mul(meanOver(op, op.Mul(g, centred), axes), op.Mul(inverse, inverse));
  return op.Mul(op.Sub(op.Sub(g, meanOver(op, g, axes)), op.Mul(centred, along)), factor);
};

const normal = (op: Builder, { centred, inverse }: Standardised): Value => op.Mul(centred, inverse);

/** [C] as [C, 1, …], to broadcast against `x`. */
const perChannel = (op: Builder, v: Value, x: Value): Value =>
  op.Reshape(v, op.ints([v.shape[0]!, ...x.shape.slice(2).map(() => 1)]));

/** Σ over all axes except the channels. */
const sumPerChannel = (op: Builder, v: Value): Value =>
  op.ReduceSum(v, op.ints(v.shape.flatMap((_, i) => (i === 1 ? [] : [i]))), { keepdims: 0 });

const instances = (context: VjpContext, x: Value): Standardised =>
  standardised(
    context.op,
    x,
    x.shape.flatMap((_, i) => (i < 2 ? [] : [i])),
    inverseDeviation(context),
  );

/** y = γ·x̂ + β, x̂ normalised over the spatial axes; dγ = Σ dy·x̂, dβ = Σ dy. */
export const InstanceNormalization: VjpRule = [
  (dy, context, x, scale) => {
    const { op } = context;
    const s = instances(context, x);
    return standardisedBack(op, dy, s, op.Mul(perChannel(op, scale, x), s.inverse));
  },
  (dy, context, x) => sumPerChannel(context.op, context.op.Mul(dy, normal(context.op, instances(context, x)))),
  (dy, { op }) => sumPerChannel(op, dy),
];

/** [N, C, …] as [N·groups, …]. */
const grouped = ({ op, node }: VjpContext, v: Value): Value => {
  const rows = v.shape[0]! * intOf(node, "num_groups", 1);
  return op.Reshape(v, op.ints([rows, sizeOf(v.shape) / rows]));
};

const groups = (context: VjpContext, x: Value): Standardised =>
  standardised(context.op, grouped(context, x), [1], inverseDeviation(context));

/** y = γ·x̂ + β, x̂ normalised over each group of channels; γ and β per channel. */
export const GroupNormalization: VjpRule = [
  (dy, context, x, scale) => {
    const { op } = context;
    const g = grouped(context, op.Mul(dy, perChannel(op, scale, x)));
    return op.Reshape(standardisedBack(op, g, groups(context, x)), op.ints(x.shape));
  },
  (dy, context, x) => {
    const { op } = context;
    return sumPerChannel(op, op.Mul(dy, op.Reshape(normal(op, groups(context, x)), op.ints(x.shape))));
  },
  (dy, { op }) => sumPerChannel(op, dy),
];

/** Computed from the node's outputs Mean and InvStdDev if it has them. */
const layer = (context: VjpContext, x: Value): Standardised => {
  const { op, node, outputs } = context;
  const axes = layerAxes(node, x);
  const [, mean, inverse] = outputs;
  return mean?.dtype === x.dtype && inverse
    ? { axes, centred: op.Sub(x, mean), inverse }
    : standardised(op, x, axes, inverseDeviation(context));
};

/**
 * y = γ·x̂ + β, x̂ normalised over the axes from `axis` on; γ and β broadcast to x. For the optional outputs,
 * ∂μ/∂x = 1/n and ∂(1/σ)/∂x = −x̂/(nσ²).
 */
export const LayerNormalization: VjpRule = [
  (dy, context, x, scale) => {
    const { op, dependsOn, cotangent } = context;
    const s = layer(context, x);
    const share = op.constant(1 / s.axes.reduce((n, axis) => n * x.shape[axis]!, 1), x.dtype);
    const terms: Value[] = [];
    if (dependsOn(0)) terms.push(standardisedBack(op, op.Mul(dy, scale), s));
    if (dependsOn(1)) terms.push(op.Expand(op.Mul(op.cast(cotangent(1), x.dtype), share), op.ints(x.shape)));
    if (dependsOn(2)) {
      const cube = op.Mul(s.inverse, op.Mul(s.inverse, s.inverse));
      terms.push(op.Neg(op.Mul(s.centred, op.Mul(op.Mul(op.cast(cotangent(2), x.dtype), share), cube))));
    }
    return terms.reduce((a, b) => op.Add(a, b));
  },
  (dy, context, x) => context.op.Mul(dy, normal(context.op, layer(context, x))),
  (dy) => dy,
];

/** y = (x − μ)/(σ + 10⁻⁹) over `axes`; the gradient neglects 10⁻⁹ in the quotient σ/(σ + 10⁻⁹). */
export const MeanVarianceNormalization: VjpRule = [
  (dy, { op, node }, x) => {
    const axes = intsOf(node, "axes", [0, 2, 3]).map((a) => normaliseAxis(node, a, x.shape.length));
    const inverse = (variance: Value) => op.Reciprocal(op.Add(op.Sqrt(variance), op.constant(1e-9, x.dtype)));
    return standardisedBack(op, dy, standardised(op, x, axes, inverse));
  },
];

/** y = x/n, n = Σ|x| or √Σx² along an axis; dx = (dy − u·Σ dy·y)/n with u = sign x or y; dx = 0 where n = 0. */
export const LpNormalization: VjpRule = [
  (dy, { op, node, y }, x) => {
    const p = intOf(node, "p", 2);
    if (p !== 1 && p !== 2) unsupportedForm(node, `p ${p}`);
    const axis = op.ints([normaliseAxis(node, intOf(node, "axis", -1), x.shape.length)]);
    const norm = (p === 1 ? op.ReduceL1 : op.ReduceL2)(x, axis, { keepdims: 1 });
    const zero = op.constant(0, x.dtype);
    const inverse = op.Where(op.Greater(norm, zero), op.Reciprocal(norm), zero);
    const along = op.ReduceSum(op.Mul(dy, y), axis, { keepdims: 1 });
    return op.Mul(op.Sub(dy, op.Mul(p === 1 ? op.Sign(x) : y, along)), inverse);
  },
];

/** scale·Σ v over the channels c − before … c + after, as a convolution along the channels, which is faster than AveragePool. */
const channelSum = (op: Builder, v: Value, scale: number, before: number, after: number): Value => {
  const [n = 1, c = 1, ...spatial] = v.shape;
  const size = before + 1 + after;
  const window = op.Expand(op.constant(scale, v.dtype), op.ints([1, 1, size, 1]));
  const columns = op.Reshape(v, op.ints([n, 1, c, sizeOf(spatial)]));
  return op.Reshape(op.Conv(columns, window, { pads: [before, 0, after, 0] }), op.ints(v.shape));
};

/** y = x·d^(−β), d = k + α·mean x² over a window of channels; dx = dy·d^(−β) − 2αβ·x·mean(dy·y/d) over the windows that contain the channel. */
export const LRN: VjpRule = [
  (dy, { op, node, y }, x) => {
    const size = intOf(node, "size", 1);
    const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
    const [alpha, beta] = [floatOf(node, "alpha", 1e-4), floatOf(node, "beta", 0.75)];
    const bias = op.constant(floatOf(node, "bias", 1), x.dtype);
    const d = op.Add(channelSum(op, op.Mul(x, x), alpha / size, before, after), bias);
    const through = channelSum(op, op.Div(op.Mul(dy, y), d), (2 * alpha * beta) / size, after, before);
    return op.Sub(op.Mul(dy, op.Pow(d, op.constant(-beta, x.dtype))), op.Mul(x, through));
  },
];
