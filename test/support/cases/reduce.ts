/** Reductions, arg max, softmax, running sums, sorting; products of matrices. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { about, fixed, node, x, type Case, type Values } from "./case.ts";

const values: Readonly<Record<string, Values>> = {
  ReduceSum: "normal",
  ReduceMean: "normal",
  ReduceMax: { distinct: 0 },
  ReduceMin: { distinct: 0 },
  ReduceProd: "positive",
  ReduceL1: { away: [0] },
  ReduceL2: "normal",
  ReduceLogSum: "positive",
  ReduceLogSumExp: "normal",
  ReduceSumSquare: "normal",
};

const forms: readonly (readonly [string, readonly number[] | null, PlainAttributes])[] = [
  ["all axes", null, {}],
  ["all axes, dropped", null, { keepdims: 0 }],
  ["one axis", [1], {}],
  ["two axes, one from the back", [0, -1], {}],
  ["the last axis, dropped", [-1], { keepdims: 0 }],
  ["the middle axis, dropped", [1], { keepdims: 0 }],
];

const reductions = Object.entries(values).flatMap(([operator, drawn]) =>
  forms.map(([name, axes, attributes]) =>
    about(
      operator,
      name,
      [x([2, 3, 4], drawn)],
      (op, v) => op.append(operator, axes ? [v, op.ints(axes)] : [v], attributes)[0]!,
    ),
  ),
);

/** With no axes and `noop_with_empty_axes` the input passes through. */
const noop = ["ReduceSum", "ReduceMean", "ReduceMax"].map((operator) =>
  about(
    operator,
    "no axes, noop",
    [x([2, 3], { distinct: 0 })],
    (op, v) => op.append(operator, [v, op.ints([])], { noop_with_empty_axes: 1 })[0]!,
  ),
);

const argument = ["ArgMax", "ArgMin"].flatMap((operator) => [
  node(operator, "channels, dropped", [fixed([2, 3, 4])], { axis: 1, keepdims: 0 }),
  node(operator, "from the back", [fixed([2, 3])], { axis: -1 }),
  node(operator, "ties, the last one", [fixed([2, 4], { of: [1, 3, 3, 1, 2, 2, 2, 2] })], {
    axis: 1,
    select_last_index: 1,
  }),
  node(operator, "ties, the first one", [fixed([2, 4], { of: [1, 3, 3, 1, 2, 2, 2, 2] })], { axis: 1 }),
]);

const hardmax = [
  node("Hardmax", "the last axis by default", [fixed([2, 3, 4])]),
  node("Hardmax", "channels, ties", [fixed([1, 4, 2], { of: [1, 3, 3, 1, 2, 3, 2, 2] })], { axis: 1 }),
];

const softmax = ["Softmax", "LogSoftmax"].flatMap((operator) => [
  node(operator, "the last axis by default", [x([2, 3, 4])]),
  node(operator, "channels", [x([2, 3, 2, 2])], { axis: 1 }),
  node(operator, "from the back", [x([2, 3, 4])], { axis: -2 }),
  node(operator, "the first axis", [x([3, 2])], { axis: 0 }),
]);

const sums = [0, 1].flatMap((exclusive) =>
  [0, 1].map((reverse) =>
    about("CumSum", `exclusive ${exclusive}, reverse ${reverse}`, [x([2, 4])], (op, v) =>
      op.CumSum(v, op.constant(1, "int64"), { exclusive, reverse }),
    ),
  ),
);

const sumsFromTheBack = about("CumSum", "the axis from the back", [x([2, 3, 4])], (op, v) =>
  op.CumSum(v, op.constant(-2, "int64"), { exclusive: 1 }),
);

const topK = (name: string, attributes: PlainAttributes): Case =>
  about("TopK", name, [x([3, 5], { distinct: 0 })], (op, v) => {
    const [y, places] = op.append("TopK", [v, op.ints([2])], attributes, 2);
    return { y: y!, places: places! };
  });

const products: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["matrices", [2, 3], [3, 4]],
  ["stacks", [2, 2, 3], [2, 3, 4]],
  ["the left stack is broadcast", [2, 3], [2, 3, 4]],
  ["both stacks are broadcast", [2, 1, 2, 3], [3, 3, 2]],
  ["a vector on the left", [3], [3, 4]],
  ["a vector on the right", [2, 3], [3]],
  ["a vector on the left of a stack", [3], [2, 3, 4]],
  ["a stack with a vector", [2, 2, 3], [3]],
  ["two vectors", [3], [3]],
];

const gemm = (
  name: string,
  a: readonly number[],
  b: readonly number[],
  c: readonly number[] | null,
  attributes: PlainAttributes,
) => node("Gemm", name, [x(a), x(b), ...(c ? [x(c)] : [])], attributes);

export const reduceCases: readonly Case[] = [
  ...reductions,
  ...noop,
  ...argument,
  ...hardmax,
  ...softmax,
  ...sums,
  sumsFromTheBack,
  topK("the largest", {}),
  topK("the smallest, first axis", { largest: 0, axis: 0 }),
  topK("the largest, axis from the back", { axis: -2 }),
  ...products.map(([name, a, b]) => node("MatMul", name, [x(a), x(b)])),
  gemm("plain", [2, 3], [3, 4], null, {}),
  gemm("bias per column", [2, 3], [3, 4], [4], {}),
  gemm("alpha, beta, bias per row", [2, 3], [3, 4], [2, 1], { alpha: 0.5, beta: 2 }),
  gemm("transposed left", [3, 2], [3, 4], [2, 4], { transA: 1, alpha: 2 }),
  gemm("transposed right", [2, 3], [4, 3], [4], { transB: 1 }),
  gemm("both transposed, scalar bias", [3, 2], [4, 3], [], { transA: 1, transB: 1 }),
];
