/** Element-wise functions, sums, products, and rearrangements on integers. */

import { tensorOf } from "../../../src/tensor.ts";
import { activation, levelled, microsoft, image, wide, type DecomposeCase } from "./case.ts";

export const binary = (["Add", "Mul"] as const).flatMap((operator): DecomposeCase[] => [
  microsoft({
    operator: `QLinear${operator}`,
    name: "equal shapes",
    inputs: [...image, ...activation([1, 2, 5, 6], 0.03, 7, "uint8", 9), ...wide.parameters],
    y: wide.y,
    real: (op, a, b) => op[operator](a, b),
  }),
  microsoft({
    operator: `QLinear${operator}`,
    name: "int8, broadcast",
    inputs: [
      ...activation([2, 3], 0.02, 10, "int8"),
      ...activation([3], 0.03, 7, "int8", 9),
      ...levelled(0.05, -12, "int8").parameters,
    ],
    y: levelled(0.05, -12, "int8").y,
    real: (op, a, b) => op[operator](a, b),
  }),
]);

const unit = levelled(1 / 256, 0);

export const functions: readonly DecomposeCase[] = [
  microsoft({
    operator: "QLinearConcat",
    name: "three parts",
    inputs: [
      ...levelled(0.03, 110).parameters,
      ...activation([2, 1, 3], 0.02, 100),
      ...activation([2, 2, 3], 0.05, 7, "uint8", 8),
      ...activation([2, 1, 3], 0.03, 110, "uint8", 9),
    ],
    attributes: { axis: 1 },
    y: levelled(0.03, 110).y,
    real: (op, ...x) => op.Concat(...x, { axis: 1 }),
  }),
  microsoft({
    operator: "QLinearWhere",
    name: "broadcast",
    inputs: [
      tensorOf("bool", [3], [1, 0, 1]),
      ...activation([2, 3], 0.02, 100),
      ...activation([3], 0.02, 100, "uint8", 8),
      ...levelled(0.03, 110).parameters,
    ],
    y: levelled(0.03, 110).y,
    real: (op, a, b) => op.Where(op.tensor(tensorOf("bool", [3], [1, 0, 1])), a, b),
  }),
  microsoft({
    operator: "QLinearLeakyRelu",
    name: "a slope of 0.1",
    inputs: [...image, ...levelled(0.015, 30).parameters],
    attributes: { alpha: 0.1 },
    y: levelled(0.015, 30).y,
    real: (op, x) => op.LeakyRelu(x, { alpha: 0.1 }),
  }),
  microsoft({
    operator: "QLinearSigmoid",
    name: "uint8",
    inputs: [...image, ...unit.parameters],
    y: unit.y,
    real: (op, x) => op.Sigmoid(x),
  }),
  microsoft({
    operator: "QLinearSoftmax",
    name: "one axis, as since opset 13",
    inputs: [...activation([2, 3, 4], 0.02, 100), ...unit.parameters],
    attributes: { axis: 1, opset: 13 },
    y: unit.y,
    real: (op, x) => op.Softmax(x, { axis: 1 }),
  }),
  microsoft({
    operator: "QLinearSoftmax",
    name: "all axes from one on, as before opset 13",
    inputs: [...activation([2, 3, 4], 0.02, 100), ...unit.parameters],
    attributes: { axis: 1, opset: 12 },
    y: unit.y,
    real: (op, x) => op.Reshape(op.Softmax(op.Reshape(x, op.ints([2, 12])), { axis: 1 }), op.ints([2, 3, 4])),
  }),
];
