/** Arithmetic, functions, comparisons, choices, casts; every way of broadcasting. */

import { codeOf } from "../../../src/onnx/tensor-proto.ts";
import { about, booleans, fixed, floats, integers, node, weights, x, type Case, type Values } from "./case.ts";

/** Shapes that broadcast, in every way that ONNX allows. */
const pairs: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["equal shapes", [2, 3, 4], [2, 3, 4]],
  ["a size 1 and a missing axis", [2, 3, 4], [3, 1]],
  ["a scalar", [2, 3, 4], []],
  ["one element", [2, 3, 4], [1]],
  ["both grow", [4], [2, 1, 1]],
];

const binary = (operator: string, a: Values, b: Values): Case[] =>
  pairs.map(([name, left, right]) => node(operator, name, [x(left, a), x(right, b)]));

const variadic = ["Sum", "Mean", "Max", "Min"].flatMap((operator) => {
  const [a, b, c]: Values[] = [{ distinct: 0 }, { distinct: 1 }, { distinct: 2 }];
  return [
    node(operator, "one input", [x([2, 3], a)]),
    node(operator, "three inputs that broadcast", [x([2, 3, 4], a), x([3, 1], b), x([], c)]),
    about(operator, "one input twice", [x([2, 3], a), x([3], b)], (op, v, w) => op.append(operator, [v, w, v], {})[0]!),
  ];
});

const unary = (operator: string, values: Values = "normal"): Case => node(operator, "alone", [x([2, 3, 4], values)]);

/** 24 elements, evenly from `low` to `high`. */
const within = (low: number, high: number): number[] =>
  Array.from({ length: 24 }, (_, i) => low + ((high - low) * i) / 23);

const nonsmooth: readonly Case[] = ["Sign", "Floor", "Ceil", "Round"].map((operator) =>
  node(operator, "alone", [fixed([2, 3, 4], { away: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -1, 0, 1] })]),
);

const comparisons = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"].map((operator) =>
  node(operator, "with ties", [fixed([2, 3], { of: [1, 2, 3, 1, 2, 3] }, "a"), fixed([3], { of: [2, 2, 2] }, "b")]),
);

const logical = ["And", "Or", "Xor"].map((operator) =>
  node(operator, "broadcasting", [booleans([2, 2], [0, 1, 0, 1], "a"), booleans([2, 1], [0, 1], "b")]),
);

export const elementwiseCases: readonly Case[] = [
  ...["Add", "Sub", "Mul"].flatMap((operator) => binary(operator, "normal", "normal")),
  ...binary("Div", "normal", "positive"),
  ...binary("Pow", "positive", "normal"),
  ...variadic,
  ...nonsmooth,
  ...comparisons,
  ...logical,
  about("Add", "both inputs the same", [x([2, 3])], (op, v) => op.Add(v, v)),
  about("Mul", "both inputs the same", [x([2, 3])], (op, v) => op.Mul(v, v)),
  about("Mul", "a constant", [x([2, 3])], (op, v) => op.Mul(weights(op, [3]), v)),
  about("Sub", "from a constant", [x([2, 3])], (op, v) => op.Sub(op.constant(1), v)),
  about("Div", "a constant by it", [x([2, 3], "positive")], (op, v) => op.Div(op.constant(3), v)),
  about("Pow", "square of both signs", [x([2, 3], { away: [0] })], (op, v) => op.Pow(v, op.constant(2))),
  about("Pow", "an integer exponent", [x([2, 3], { away: [0] })], (op, v) => op.Pow(v, op.constant(3, "int64"))),
  about("Pow", "a half", [x([2, 3], "positive")], (op, v) => op.Pow(v, op.constant(0.5))),
  node("Mod", "integers of both signs", [integers([6], [7, -7, 8, -8, 9, -9], "a"), integers([1], [5], "b")]),
  node("Mod", "fmod", [fixed([6], { of: [5.3, -5.3, 4.25, -1.5, 7, -7] }), fixed([1], { of: [2] }, "b")], { fmod: 1 }),
  node("Div", "integers truncate", [integers([4], [7, -7, 8, -8], "a"), integers([1], [3], "b")]),
  unary("Neg"),
  unary("Abs", { away: [0] }),
  unary("Exp"),
  unary("Log", "positive"),
  unary("Sqrt", "positive"),
  unary("Reciprocal", "positive"),
  unary("Sin"),
  unary("Cos"),
  unary("Tan", { of: within(-1.4, 1.4) }),
  unary("Asin", { of: within(-0.98, 0.98) }),
  unary("Acos", { of: within(-0.98, 0.98) }),
  unary("Atan"),
  unary("Sinh"),
  unary("Cosh"),
  unary("Asinh"),
  unary("Acosh", { of: within(1.05, 4) }),
  unary("Atanh", { of: within(-0.95, 0.95) }),
  ...[0, 1].flatMap((upper) => [
    node("Trilu", `upper ${upper}`, [x([2, 3, 4])], { upper }),
    ...[-1, 2].map((k) =>
      about("Trilu", `upper ${upper}, diagonal ${k}`, [x([2, 3, 4])], (op, v) =>
        op.Trilu(v, op.constant(k, "int64"), { upper }),
      ),
    ),
  ]),
  node("IsNaN", "two of four", [fixed([4], { of: [1, NaN, 0, NaN] })]),
  node("IsInf", "both signs", [fixed([4], { of: [1, Infinity, -Infinity, 0] })]),
  node("IsInf", "the negative one", [fixed([3], { of: [1, Infinity, -Infinity] })], { detect_positive: 0 }),
  about(
    "Dropout",
    "a ratio",
    [x([2, 3]), fixed([], { of: [0.3] }, "ratio")],
    (op, v, ratio) => op.append("Dropout", [v, ratio], {})[0]!,
  ),
  about("Dropout", "in evaluation mode, its mask used", [x([2, 3])], (op, v) => {
    const [y, mask] = op.append("Dropout", [v], {}, 2);
    return op.Where(mask, op.Mul(y, y), v);
  }),
  unary("Identity"),
  node("Round", "halves to even", [fixed([6], { of: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5] })]),
  node("Not", "alone", [booleans([2, 2], [0, 1, 1, 0])]),
  node("Where", "equal shapes", [booleans([2, 3], [1, 0, 1, 0, 0, 1]), x([2, 3], "normal", "p"), x([2, 3])]),
  node("Where", "the condition broadcasts", [booleans([3], [1, 0, 1]), x([2, 3], "normal", "p"), x([2, 3])]),
  node("Where", "the choices broadcast", [booleans([2, 3], [1, 0, 1, 0, 0, 1]), x([], "normal", "p"), x([2, 1])]),
  node("Cast", "float to int truncates", [fixed([4], { of: [1.7, -1.7, 0.2, -3] })], { to: codeOf("int64") }),
  node("Cast", "float to bool", [fixed([3], { of: [0, 0.5, -1] })], { to: codeOf("bool") }),
  node("Cast", "int to float", [integers([3], [1, -2, 3])], { to: codeOf("float32") }),
  node("Cast", "float to double", [x([2, 3])], { to: codeOf("float64") }),
  about("Cast", "to double and back", [x([2, 3])], (op, v) => op.cast(op.cast(op.Mul(v, v), "float64"), "float32")),
  about("Mul", "polynomial with broadcast constants", [x([2, 3, 2])], (op, v) =>
    op.Add(op.Mul(op.Mul(v, v), floats(op, [3, 1], [1, -2, 3])), v),
  ),
];
