/** Activations. */

import { about, fixed, floats, node, x, type Case } from "./case.ts";

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
  about(
    "Clip",
    "bounds that are computed",
    [x(shape, { away: [-0.5, 0.8] }), x([], { of: [-0.5] }, "low"), x([], { of: [0.8] }, "high")],
    (op, v, low, high) => op.Clip(v, low, high),
  ),
  about(
    "Clip",
    "bounds that are computed, the lower one above",
    [x(shape, { away: [-0.5, 0.8] }), fixed([], { of: [0.8] }, "low"), x([], { of: [-0.5] }, "high")],
    (op, v, low, high) => op.Mul(op.Clip(v, low, high), v),
  ),
  about(
    "Clip",
    "a lower bound that is computed",
    [x(shape, { away: [0.4] }), x([], { of: [0.4] }, "low")],
    (op, v, low) => op.Clip(v, low),
  ),
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
  node("HardSigmoid", "falling", [x(shape, { away: [-1, 1.5] })], { alpha: -0.4, beta: 0.6 }),
  node("Elu", "default", [x(shape, { away: [0] })]),
  node("Elu", "alpha", [x(shape, { away: [0] })], { alpha: 0.7 }),
  node("Elu", "a negative alpha", [x(shape, { away: [0] })], { alpha: -0.7 }),
  node("Selu", "default", [x(shape, { away: [0] })]),
  node("Selu", "alpha and gamma", [x(shape, { away: [0] })], { alpha: 0.5, gamma: 1.5 }),
  node("Selu", "a negative alpha", [x(shape, { away: [0] })], { alpha: -0.5, gamma: 1.5 }),
  node("Selu", "a negative gamma", [x(shape, { away: [0] })], { alpha: 0.5, gamma: -1.5 }),
  node("Celu", "default", [x(shape, { away: [0] })]),
  node("Celu", "alpha", [x(shape, { away: [0] })], { alpha: 0.7 }),
  node("ThresholdedRelu", "default", [x(shape, { away: [1] })]),
  node("ThresholdedRelu", "alpha", [x(shape, { away: [0.5] })], { alpha: 0.5 }),
  node("ThresholdedRelu", "a negative alpha", [x(shape, { away: [-0.5] })], { alpha: -0.5 }),
  node("Shrink", "default", [x(shape, { away: [-0.5, 0.5] })]),
  node("Shrink", "soft", [x(shape, { away: [-0.8, 0.8] })], { lambd: 0.8, bias: 0.8 }),
  node("Softsign", "alone", [x(shape)]),
  node("Mish", "alone", [x(shape)]),
  node("Mish", "far from zero", [x([6], { of: [-30, -12, -5, 5, 12, 30] })]),
  node("Gelu", "exact", [x(shape)]),
  node("Gelu", "tanh", [x(shape)], { approximate: "tanh" }),
  node("Gelu", "exact, far from zero", [x([6], { of: [-9, -5, -3, 3, 5, 9] })]),
  node("Gelu", "tanh, far from zero", [x([6], { of: [-9, -5, -3, 3, 5, 9] })], { approximate: "tanh" }),
];
