/** Activations and normalization. */

import { about, fixed, floats, node, weights, x, type Case } from "./case.ts";

const shape = [2, 3, 2, 2];

export const activationCases: readonly Case[] = [
  node("Relu", "alone", [x(shape, { away: [0] })]),
  node("LeakyRelu", "default slope", [x(shape, { away: [0] })]),
  node("LeakyRelu", "a steep slope", [x(shape, { away: [0] })], { alpha: 0.3 }),
  node("PRelu", "a slope per channel", [x(shape, { away: [0] }), x([3, 1, 1], "normal", "slope")]),
  node("PRelu", "one slope", [x(shape, { away: [0] }), x([1], "normal", "slope")]),
  node("PRelu", "a slope per element", [x([2, 3], { away: [0] }), x([2, 3], "normal", "slope")]),
  about("PRelu", "negative and large constant slopes", [x(shape, { away: [0] })], (op, v) =>
    op.PRelu(v, floats(op, [3, 1, 1], [-0.5, 0, 2])),
  ),
  about("Clip", "both bounds", [x(shape, { away: [-0.5, 0.8] })], (op, v) =>
    op.Clip(v, op.constant(-0.5), op.constant(0.8)),
  ),
  about("Clip", "no lower bound", [x(shape, { away: [0.4] })], (op, v) => op.Clip(v, null, op.constant(0.4))),
  about("Clip", "no upper bound", [x(shape, { away: [0.4] })], (op, v) => op.Clip(v, op.constant(0.4))),
  about("Clip", "no bounds", [x(shape)], (op, v) => op.Clip(v)),
  about("Clip", "six", [x(shape, { away: [0] })], (op, v) =>
    op.Clip(op.Mul(v, op.constant(4)), op.constant(0), op.constant(6)),
  ),
  node("Sigmoid", "alone", [x(shape)]),
  node("Tanh", "alone", [x(shape)]),
  node("HardSigmoid", "defaults", [x(shape, { away: [-2.5, 2.5] })]),
  node("HardSigmoid", "alpha and beta", [x(shape, { away: [-1.2, 0.8] })], { alpha: 0.5, beta: 0.6 }),
  node("HardSwish", "on all three pieces", [x([12], { of: [-5, -3.5, -2.5, -1.5, -1, -0.2, 0.3, 1, 1.6, 2, 2.8, 4] })]),
  node("Softplus", "alone", [x(shape)]),
  node("Erf", "alone", [x(shape)]),
  node("Erf", "the tails", [x([6], { of: [-3.2, -2.6, -2.4, 2.4, 2.6, 3.2] })]),
  node("Elu", "alone", [fixed(shape, { away: [0] })], { alpha: 0.7 }),
  node("Selu", "alone", [fixed(shape, { away: [0] })]),
  node("Celu", "alone", [fixed(shape, { away: [0] })], { alpha: 0.7 }),
  node("ThresholdedRelu", "alone", [fixed(shape, { away: [0.5] })], { alpha: 0.5 }),
  node("Softsign", "alone", [fixed(shape)]),
  node("Mish", "alone", [fixed(shape)]),
  node("Gelu", "exact", [fixed(shape)]),
  node("Gelu", "tanh", [fixed(shape)], { approximate: "tanh" }),
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
