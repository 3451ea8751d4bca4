/** Normalisation: every attribute, parameters as constants and as inputs. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { about, fixed, floats, node, weights, x, type Case } from "./case.ts";

const shape = [2, 3, 2, 2];

const batch: readonly Case[] = [
  about("BatchNormalization", "constant statistics", [x(shape)], (op, v) => {
    const variance = floats(op, [3], [0.5, 1.2, 2]);
    return op.BatchNormalization(v, weights(op, [3]), weights(op, [3], 6), weights(op, [3], 7), variance);
  }),
  about("BatchNormalization", "a large epsilon, one spatial axis", [x([2, 3, 4])], (op, v) => {
    const variance = floats(op, [3], [0.5, 1.2, 2]);
    const [scale, bias, mean] = [weights(op, [3]), weights(op, [3], 6), weights(op, [3], 7)];
    return op.BatchNormalization(v, scale, bias, mean, variance, { epsilon: 0.1 });
  }),
  node("BatchNormalization", "statistics that are inputs", [
    x(shape),
    fixed([3], "normal", "scale"),
    fixed([3], "normal", "bias"),
    fixed([3], "normal", "mean"),
    fixed([3], "positive", "variance"),
  ]),
];

/** Scale and bias as inputs: [name, shape of x, attributes]. */
const withParameters = (
  operator: string,
  forms: readonly (readonly [string, readonly number[], PlainAttributes])[],
): Case[] =>
  forms.map(([name, of, attributes]) => {
    const channels = [of[1]!];
    return node(operator, name, [x(of), x(channels, "normal", "scale"), x(channels, "normal", "bias")], attributes);
  });

const instance: readonly Case[] = [
  about("InstanceNormalization", "constant parameters", [x(shape)], (op, v) =>
    op.InstanceNormalization(v, weights(op, [3]), weights(op, [3], 6)),
  ),
  ...withParameters("InstanceNormalization", [
    ["parameters that are inputs", [2, 3, 4, 2], {}],
    ["a large epsilon", [1, 2, 3, 4], { epsilon: 0.5 }],
    ["one spatial axis", [2, 3, 5], {}],
    ["three spatial axes", [1, 2, 3, 2, 2], {}],
  ]),
];

const group: readonly Case[] = [
  about("GroupNormalization", "constant parameters", [x([2, 6, 2, 3])], (op, v) =>
    op.GroupNormalization(v, weights(op, [6]), weights(op, [6], 6), { num_groups: 3 }),
  ),
  ...withParameters("GroupNormalization", [
    ["parameters that are inputs", [2, 6, 2, 3], { num_groups: 2 }],
    ["one group, a large epsilon", [2, 4, 3, 1], { num_groups: 1, epsilon: 0.3 }],
    ["a channel per group", [1, 3, 2, 3], { num_groups: 3 }],
    ["one spatial axis", [2, 4, 3], { num_groups: 2 }],
    ["three spatial axes", [1, 4, 2, 3, 2], { num_groups: 2 }],
  ]),
];

const layer = (
  name: string,
  of: readonly number[],
  parameters: readonly (readonly number[])[],
  attributes: PlainAttributes = {},
): Case => {
  const inputs = parameters.map((p, i) => x(p, "normal", i === 0 ? "scale" : "bias"));
  return node("LayerNormalization", name, [x(of), ...inputs], attributes);
};

const layers: readonly Case[] = [
  about("LayerNormalization", "constant parameters", [x([2, 3, 4])], (op, v) =>
    op.LayerNormalization(v, weights(op, [4]), weights(op, [4], 6)),
  ),
  layer("parameters that are inputs", [2, 3, 4], [[4], [4]]),
  layer("no bias", [2, 3, 4], [[4]]),
  layer("a large epsilon", [2, 5], [[5], [5]], { epsilon: 0.5 }),
  layer(
    "two axes",
    [2, 3, 2, 2],
    [
      [2, 2],
      [2, 2],
    ],
    { axis: -2 },
  ),
  layer(
    "from the channels on",
    [2, 3, 2, 2],
    [
      [3, 2, 2],
      [3, 2, 2],
    ],
    { axis: 1 },
  ),
  layer(
    "all axes",
    [3, 4],
    [
      [3, 4],
      [3, 4],
    ],
    { axis: 0 },
  ),
  layer("parameters that broadcast", [2, 3, 4], [[3, 1], [4]], { axis: 1 }),
  layer("one scale", [2, 3, 4], [[1]], { axis: 1 }),
  about("LayerNormalization", "its mean and inverse deviation are used", [x([2, 3, 4])], (op, v) => {
    const [y, mean, inverse] = op.append("LayerNormalization", [v, weights(op, [3, 4])], { axis: 1, epsilon: 0.1 }, 3);
    return { y: y!, mean: mean!, inverse: inverse!, all: op.Mul(op.Add(y, mean), inverse) };
  }),
];

const meanVariance: readonly Case[] = [
  node("MeanVarianceNormalization", "per channel by default", [x(shape)]),
  node("MeanVarianceNormalization", "per image and channel", [x([2, 3, 3, 2])], { axes: [2, 3] }),
  node("MeanVarianceNormalization", "over the channels", [x([2, 4, 2, 2])], { axes: [1] }),
  node("MeanVarianceNormalization", "axes from the back", [x([2, 3, 4])], { axes: [-1, -2] }),
];

const lp: readonly Case[] = [1, 2].flatMap((p) => [
  node("LpNormalization", `p ${p}`, [x([2, 3, 4], { away: [0] })], { p }),
  node("LpNormalization", `p ${p}, channels`, [x(shape, { away: [0] })], { p, axis: 1 }),
  node("LpNormalization", `p ${p}, from the back`, [x([2, 3, 4], { away: [0] })], { p, axis: -2 }),
]);

/** Only four axes and odd sizes have a kernel in onnxruntime. */
const local: readonly Case[] = [
  node("LRN", "defaults", [x([2, 4, 2, 2])], { size: 3 }),
  node("LRN", "alpha, beta and bias", [x([2, 6, 2, 2])], { size: 5, alpha: 0.9, beta: 0.6, bias: 0.7 }),
  node("LRN", "alone in its window", [x([1, 3, 2, 2])], { size: 1, alpha: 0.9 }),
  node("LRN", "a window beyond the channels", [x([1, 3, 2, 2])], { size: 9, alpha: 2, beta: 1.2, bias: 1.5 }),
];

export const normalizationCases: readonly Case[] = [
  ...batch,
  ...instance,
  ...group,
  ...layers,
  ...meanVariance,
  ...lp,
  node("LpNormalization", "zeros", [fixed([2, 3], { of: [0, 0, 0, 1, 2, -2] })]),
  ...local,
];
