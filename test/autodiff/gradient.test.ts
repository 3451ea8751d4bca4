/** What the driver promises, whatever the rules: sums, seeds, broadcasting, blocked paths, nothing needless. */

import { describe, expect, test } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { UnsupportedOperatorError } from "../../src/autodiff/rule.ts";
import { createBuilder, OPSET } from "../../src/onnx/build.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { about, floats, weights, x, type Case } from "../support/cases/case.ts";
import { checkGradient, TOLERANCE } from "../support/gradient-check.ts";
import { interpret } from "../support/interpreter.ts";

const operatorsOf = ({ nodes }: Graph): string[] => nodes.map((n) => n.op);

const vector = (...values: number[]) => tensorOf("float64", [values.length], values);

describe("what is computed", () => {
  test("cotangents of several uses add up: y = x·x + 3x, dy/dx = 2x + 3", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [3]);
    const [dx] = gradient(op, op.Add(op.Mul(v, v), op.Mul(v, op.constant(3))), [v]);
    expect(numbersOf(interpret(op.graph({ dx: dx! }), { x: vector(1, -2, 0.5) })["dx"]!)).toEqual([5, -1, 4]);
  });

  test("a source that the target does not depend on gets zeros of its shape", () => {
    const op = createBuilder();
    const [a, b] = [op.input("a", "float32", [2]), op.input("b", "float32", [2, 3])];
    const [da, db] = gradient(op, op.Mul(a, op.constant(2)), [a, b]);
    const out = interpret(op.graph({ da: da!, db: db! }), {
      a: vector(1, 1),
      b: tensorOf("float64", [2, 3], [1, 2, 3, 4, 5, 6]),
    });
    expect(numbersOf(out["da"]!)).toEqual([2, 2]);
    expect(out["db"]!.shape).toEqual([2, 3]);
    expect(numbersOf(out["db"]!)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("the target itself as a source has the seed for its gradient", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [2]);
    const seed = op.input("seed", "float32", [2]);
    const y = op.Exp(v);
    const [dy, dx] = gradient(op, y, [y, v], seed);
    const out = interpret(op.graph({ dy: dy!, dx: dx! }), { x: vector(0, 1), seed: vector(2, -3) });
    expect(numbersOf(out["dy"]!)).toEqual([2, -3]);
    expect(numbersOf(out["dx"]!)).toEqual([2, -3 * Math.E]);
  });

  test("without a seed every element of the target counts once", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [2, 2]);
    const [dx] = gradient(op, op.ReduceSum(v, op.ints([1])), [v]);
    expect(
      numbersOf(interpret(op.graph({ dx: dx! }), { x: tensorOf("float64", [2, 2], [1, 2, 3, 4]) })["dx"]!),
    ).toEqual([1, 1, 1, 1]);
  });

  test("a seed weighs the target's elements", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [3]);
    const [dx] = gradient(op, op.Mul(v, op.constant(2)), [v], floats(op, [3], [1, 0, -4]));
    expect(numbersOf(interpret(op.graph({ dx: dx! }), { x: vector(1, 1, 1) })["dx"]!)).toEqual([2, 0, -8]);
  });

  test.each([
    ["a missing axis", [3]],
    ["a scalar", []],
    ["a size of 1", [2, 1]],
    ["a size of 1 and a missing axis", [1]],
  ])("broadcasting is undone: %s", (_, shape) => {
    const op = createBuilder();
    const [a, b] = [op.input("a", "float32", [2, 3]), op.input("b", "float32", shape)];
    const [db] = gradient(op, op.Add(a, b), [b]);
    expect(db!.shape).toEqual(shape);
    const size = shape.reduce((product, d) => product * d, 1);
    const feeds = {
      a: tensorOf("float64", [2, 3], [1, 2, 3, 4, 5, 6]),
      b: tensorOf("float64", shape, Array(size).fill(1)),
    };
    const out = interpret(op.graph({ db: db! }), feeds)["db"]!;
    expect(out.shape).toEqual(shape);
    expect(numbersOf(out)).toEqual(Array(size).fill(6 / size));
  });

  test("a path through integers is blocked: argmax gives zeros, and its consumer's float input its own gradient", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [1, 3]);
    const best = op.cast(op.ArgMax(v, { axis: 1 }), "float32");
    const [blocked] = gradient(op, best, [v]);
    const [open] = gradient(op, op.Mul(best, v), [v]);
    const out = interpret(op.graph({ blocked: blocked!, open: open! }), { x: tensorOf("float64", [1, 3], [1, 5, 9]) });
    expect(numbersOf(out["blocked"]!)).toEqual([0, 0, 0]);
    expect(numbersOf(out["open"]!)).toEqual([2, 2, 2]);
  });

  test("an operator with no derivative blocks a path without an error", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [2]);
    const [dx] = gradient(op, op.Add(op.Round(v), op.Mul(v, op.constant(4))), [v]);
    expect(numbersOf(interpret(op.graph({ dx: dx! }), { x: vector(0.2, 0.7) })["dx"]!)).toEqual([4, 4]);
  });
});

describe("an operator without a rule", () => {
  test("is named, with its node and the opset", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [2]);
    const y = op.append("Mod", [v, op.constant(2)], { fmod: 1 }, ["remainder"])[0]!;
    const failure = (() => {
      try {
        return gradient(op, y, [v]);
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(UnsupportedOperatorError);
    expect(failure).toMatchObject({ operator: "Mod", node: "remainder", opset: OPSET });
    expect(String(failure)).toMatch(/Mod.*remainder.*21/);
  });

  test("is no obstacle where it is not on a path to a source", () => {
    const op = createBuilder();
    const [v, other] = [op.input("x", "float32", [1, 2, 1, 1]), op.input("other", "float32", [1, 2, 1, 1])];
    const aside = op.append("Mod", [other, op.constant(2)], { fmod: 1 })[0]!;
    const [dx] = gradient(op, op.Add(v, aside), [v]);
    expect(operatorsOf(op.graph({ dx: dx! }))).not.toContain("Mod");
  });
});

describe("a form that has no rule is refused by name", () => {
  test.each([
    [
      "ScatterElements",
      "mul",
      [
        [2, 3],
        [2, 3],
      ],
      { reduction: "mul" },
    ],
    [
      "ScatterND",
      "max",
      [
        [2, 3],
        [2, 3],
      ],
      { reduction: "max" },
    ],
  ] as const)("%s, %s", (operator, form, [shape, updates], attributes) => {
    const op = createBuilder();
    const v = op.input("x", "float32", shape);
    const places = op.input("places", "int64", operator === "ScatterElements" ? [2, 3] : [2, 1]);
    const rest = updates ? [op.input("u", "float32", updates)] : [];
    const y = op.append(operator, [v, places, ...rest], attributes)[0]!;
    expect(() => gradient(op, y, [v])).toThrow(UnsupportedOperatorError);
    expect(() => gradient(op, y, [v])).toThrow(new RegExp(`${operator}.*${form}`));
  });

  test("MaxPool, storage_order 1", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [1, 1, 4, 4]);
    const pooled = op.append("MaxPool", [v], { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 }, 2);
    expect(() => gradient(op, pooled[0]!, [v])).toThrow(/MaxPool.*storage_order/);
  });

  test("a path through float16, which would otherwise be dropped in silence", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [4]);
    const y = op.cast(op.cast(v, "float16"), "float32");
    expect(() => gradient(op, y, [v])).toThrow(/Cast.*float16/);
  });

  test("Resize, a crop of the same size, which onnxruntime does not take", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [1, 1, 4, 4]);
    const roi = floats(op, [4], [0.1, 0, 0.9, 1]);
    const attributes = { mode: "linear", axes: [2, 3], coordinate_transformation_mode: "tf_crop_and_resize" };
    const y = op.Resize(v, roi, null, op.ints([4, 4]), attributes);
    expect(() => gradient(op, y, [v])).toThrow(/Resize.*crop that keeps the size/);
  });

  test("Resize, antialias", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [1, 1, 4, 4]);
    const y = op.Resize(v, null, null, op.ints([1, 1, 2, 2]), { mode: "linear", antialias: 1 });
    expect(() => gradient(op, y, [v])).toThrow(/Resize.*antialias/);
  });
});

describe("what is not built", () => {
  test("gradients of weights: the backward pass of a convolution is one convolution", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [1, 2, 6, 6]);
    const y = op.Conv(v, weights(op, [3, 2, 3, 3]), weights(op, [3]), { pads: [1, 1, 1, 1] });
    const seed = op.input("seed", "float32", y.shape);
    const before = op.steps.length;
    const [dx] = gradient(op, y, [v], seed);
    expect(op.steps.length - before).toBe(1);
    expect(operatorsOf(op.graph({ dx: dx! })).filter((name) => name !== "Identity")).toHaveLength(1);
  });

  test("a branch that does not lead to a source", () => {
    const op = createBuilder();
    const [a, b] = [op.input("a", "float32", [4]), op.input("b", "float32", [4])];
    const y = op.Mul(op.Tanh(a), op.Erf(b));
    const seed = op.input("seed", "float32", [4]);
    const before = op.steps.length;
    gradient(op, y, [a], seed);
    const added = op.steps.slice(before).map((s) => s.node.op);
    expect(added).not.toContain("Exp");
    expect(added.length).toBeGreaterThan(0);
  });

  test("the forward graph stays as it is", () => {
    const op = createBuilder();
    const v = op.input("x", "float32", [4]);
    const y = op.Exp(op.Tanh(v));
    const before = [...op.steps];
    gradient(op, y, [v]);
    expect(op.steps.slice(0, before.length)).toEqual(before);
  });
});

const chain: Case = about("chain", "encoder and decoder with a skip", [x([1, 2, 8, 8], { distinct: 0 })], (op, v) => {
  const wide = op.Conv(v, weights(op, [4, 2, 3, 3]), weights(op, [4], 2), { pads: [1, 1, 1, 1] });
  const [pooled, places] = op.append("MaxPool", [wide], { kernel_shape: [2, 2], strides: [2, 2] }, 2);
  const inner = op.Conv(op.Tanh(pooled), weights(op, [4, 1, 3, 3], 3), null, {
    group: 4,
    pads: [2, 2, 2, 2],
    dilations: [2, 2],
  });
  const up = op.MaxUnpool(op.Sigmoid(inner), places, op.ints(wide.shape), { kernel_shape: [2, 2], strides: [2, 2] });
  const skip = op.Softplus(op.Sub(wide, op.ReduceMean(wide, op.ints([2, 3]))));
  const logits = op.Conv(op.Concat(up, skip, { axis: 1 }), weights(op, [3, 8, 1, 1], 4));
  const large = op.Resize(logits, null, floats(op, [4], [1, 1, 2, 2]), { mode: "linear" });
  return op.Neg(op.ReduceMean(op.Slice(op.LogSoftmax(large, { axis: 1 }), op.ints([1]), op.ints([2]), op.ints([1]))));
});

test("a chain of a dozen operators passes the gradient check", () => {
  const [check] = checkGradient(chain, { seed: 3 });
  expect(check!.error).toBeLessThan(TOLERANCE);
});
