/** Normalisations, each from its formula in the operator specification. */

import { floatOf, intOf, intsOf } from "../../../src/onnx/graph.ts";
import { at, axisOf, broadcastAt, define, indices, type Kernel, type Nd } from "./nd.ts";

/** y = scale·(x − mean)/√(variance + ε) + bias, per channel (axis 1). */
const BatchNormalization: Kernel = (node, x, scale, bias, mean, variance) => {
  const epsilon = floatOf(node, "epsilon", 1e-5);
  return [
    define(x.dtype, x.shape, (index) => {
      const c = index[1]!;
      const normalised = (at(x, index) - mean.data[c]!) / Math.sqrt(variance.data[c]! + epsilon);
      return scale.data[c]! * normalised + bias.data[c]!;
    }),
  ];
};

interface Statistics {
  readonly mean: number;
  readonly variance: number;
}

/** Mean and variance of the elements that share a group, for any element of it. */
const statistics = (
  x: Nd,
  groupOf: (index: readonly number[]) => readonly number[],
): ((index: readonly number[]) => Statistics) => {
  const members = new Map<string, number[]>();
  for (const index of indices(x.shape)) {
    const key = groupOf(index).join();
    members.set(key, [...(members.get(key) ?? []), at(x, index)]);
  }
  const of = new Map(
    [...members].map(([key, values]): [string, Statistics] => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return [key, { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length }];
    }),
  );
  return (index) => of.get(groupOf(index).join())!;
};

/** y = scale·(x − mean)/√(variance + ε) + bias, the statistics by group, scale and bias by channel. */
const byChannel = (
  x: Nd,
  epsilon: number,
  groupOf: (index: readonly number[]) => readonly number[],
  scale: Nd,
  bias: Nd,
): Nd => {
  const of = statistics(x, groupOf);
  return define(x.dtype, x.shape, (index) => {
    const { mean, variance } = of(index);
    const c = index[1]!;
    return (scale.data[c]! * (at(x, index) - mean)) / Math.sqrt(variance + epsilon) + bias.data[c]!;
  });
};

const InstanceNormalization: Kernel = (node, x, scale, bias) => [
  byChannel(x, floatOf(node, "epsilon", 1e-5), (index) => index.slice(0, 2), scale, bias),
];

const GroupNormalization: Kernel = (node, x, scale, bias) => {
  const size = x.shape[1]! / intOf(node, "num_groups", 0);
  const groupOf = ([n, c]: readonly number[]) => [n!, Math.floor(c! / size)];
  return [byChannel(x, floatOf(node, "epsilon", 1e-5), groupOf, scale, bias)];
};

/** Over the axes from `axis` on. Outputs: y, the mean, and 1/√(variance + ε). */
const LayerNormalization: Kernel = (node, x, scale, bias?: Nd) => {
  const first = axisOf(intOf(node, "axis", -1), x.shape.length);
  const epsilon = floatOf(node, "epsilon", 1e-5);
  const of = statistics(x, (index) => index.slice(0, first));
  const inverse = (index: readonly number[]) => 1 / Math.sqrt(of(index).variance + epsilon);
  const heads = x.shape.map((d, i) => (i < first ? d : 1));
  const y = define(x.dtype, x.shape, (index) => {
    const normalised = (at(x, index) - of(index).mean) * inverse(index);
    return normalised * broadcastAt(scale, index) + (bias ? broadcastAt(bias, index) : 0);
  });
  return [y, define("float32", heads, (index) => of(index).mean), define("float32", heads, inverse)];
};

/** y = (x − mean)/(√variance + 10⁻⁹) */
const MeanVarianceNormalization: Kernel = (node, x) => {
  const axes = new Set(intsOf(node, "axes", [0, 2, 3]).map((a) => axisOf(a, x.shape.length)));
  const of = statistics(x, (index) => index.filter((_, i) => !axes.has(i)));
  return [
    define(x.dtype, x.shape, (index) => {
      const { mean, variance } = of(index);
      return (at(x, index) - mean) / (Math.sqrt(variance) + 1e-9);
    }),
  ];
};

/** y = x/‖x‖ₚ along an axis, 0 for a norm of 0. */
const LpNormalization: Kernel = (node, x) => {
  const axis = axisOf(intOf(node, "axis", -1), x.shape.length);
  const p = intOf(node, "p", 2);
  return [
    define(x.dtype, x.shape, (index) => {
      let sum = 0;
      for (let i = 0; i < x.shape[axis]!; i++) sum += Math.abs(at(x, index.with(axis, i))) ** p;
      return sum === 0 ? 0 : at(x, index) / sum ** (1 / p);
    }),
  ];
};

/** y = x/(bias + α/size·Σ x²)^β, the sum over the channels from c − ⌊(size − 1)/2⌋ to c + ⌈(size − 1)/2⌉. */
const LRN: Kernel = (node, x) => {
  const size = intOf(node, "size", 0);
  const [alpha, beta, bias] = [floatOf(node, "alpha", 1e-4), floatOf(node, "beta", 0.75), floatOf(node, "bias", 1)];
  return [
    define(x.dtype, x.shape, (index) => {
      const c = index[1]!;
      const from = Math.max(0, c - Math.floor((size - 1) / 2));
      const to = Math.min(x.shape[1]! - 1, c + Math.ceil((size - 1) / 2));
      let squares = 0;
      for (let other = from; other <= to; other++) squares += at(x, index.with(1, other)) ** 2;
      return at(x, index) / (bias + (alpha / size) * squares) ** beta;
    }),
  ];
};

export const normalization: Readonly<Record<string, Kernel>> = {
  BatchNormalization,
  InstanceNormalization,
  GroupNormalization,
  LayerNormalization,
  MeanVarianceNormalization,
  LpNormalization,
  LRN,
};
