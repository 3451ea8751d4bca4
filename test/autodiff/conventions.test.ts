/** What no finite difference decides: the gradient at kinks, and through integer tensors. */

import { describe, expect, test } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { about, feedsOf, floats, weights, x } from "../support/cases/case.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";

/** Operators that take integers as they take floats, and whose result on the dequantised values is the same. */
const onIntegers: readonly (readonly [string, (op: Builder, v: Value) => Value])[] = [
  ["Reshape", (op, v) => op.Reshape(v, op.ints([4, 8]))],
  ["Transpose", (op, v) => op.Transpose(v, { perm: [0, 3, 2, 1] })],
  ["Concat of itself", (op, v) => op.Concat(v, v, { axis: 1 })],
  ["Slice", (op, v) => op.Slice(v, op.ints([1]), op.ints([4]), op.ints([3]), op.ints([2]))],
  ["a part of Split", (op, v) => op.append("Split", [v], { axis: 1, num_outputs: 2 }, 2)[1]!],
  ["Gather", (op, v) => op.Gather(v, op.ints([2, 0, 2]), { axis: 3 })],
  ["MaxPool", (op, v) => op.MaxPool(v, { kernel_shape: [2, 2], strides: [2, 2] })],
  ["overlapping MaxPool", (op, v) => op.MaxPool(v, { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] })],
  ["Pad with edges", (op, v) => op.Pad(v, op.ints([0, 0, 1, 0, 0, 0, 0, 2]), null, null, { mode: "edge" })],
  ["nearest Resize", (op, v) => op.Resize(v, null, null, op.ints([1, 2, 8, 2]), { mode: "nearest" })],
  ["Tile", (op, v) => op.Tile(v, op.ints([1, 1, 2, 1]))],
  ["Expand", (op, v) => op.Expand(v, op.ints([3, 2, 4, 4]))],
];

/** A graph of the gradient of f with a fixed random seed. */
const gradientOf = (f: (op: Builder, v: Value) => Value) => {
  const op = createBuilder();
  const v = op.input("x", "float32", [1, 2, 4, 4]);
  const y = f(op, v);
  const [dx] = gradient(op, y, [v], weights(op, y.shape, 9));
  return op.model({ dx: dx! });
};

describe("the way back through integer tensors is that of the float graph", () => {
  const feeds = feedsOf(
    about("", "", [x([1, 2, 4, 4], { distinct: 0 })], (_, v) => v),
    4,
  );

  test.each(onIntegers)("%s", async (_, f) => {
    const quantized = gradientOf((op, v) => {
      const [scale, zero] = [op.constant(0.02), op.constant(128, "uint8")];
      return op.DequantizeLinear(f(op, op.QuantizeLinear(v, scale, zero)), scale, zero);
    });
    const expected = numbersOf(interpret(gradientOf(f).graph, feeds)["dx"]!);
    const actual = numbersOf(interpret(quantized.graph, feeds)["dx"]!);
    for (const [i, v] of expected.entries()) expect(actual[i]).toBeCloseTo(v, 6);
    const measured = numbersOf((await runWasm(quantized, feeds))["dx"]!);
    for (const [i, v] of expected.entries()) expect(measured[i]).toBeCloseTo(v, 4);
  });
});

/** The gradient of Σ f at the given elements. */
const gradientAt = (values: readonly number[], f: (op: Builder, v: Value) => Value): number[] => {
  const op = createBuilder();
  const v = op.input("x", "float32", [1, 1, 1, values.length]);
  const [dx] = gradient(op, f(op, v), [v]);
  return numbersOf(interpret(op.graph({ dx: dx! }), { x: tensorOf("float64", v.shape, values) })["dx"]!);
};

describe("at a kink the gradient is PyTorch's", () => {
  test("Relu: 0 at 0", () => expect(gradientAt([0], (op, v) => op.Relu(v))).toEqual([0]));
  test("PRelu: the slope at 0", () => {
    expect(gradientAt([0], (op, v) => op.PRelu(v, floats(op, [1], [0.25])))).toEqual([0.25]);
  });
  test("Elu, Celu, Selu: the left side's at 0", () => {
    expect(gradientAt([0], (op, v) => op.Elu(v, { alpha: 0.5 }))).toEqual([0.5]);
    expect(gradientAt([0], (op, v) => op.Celu(v, { alpha: 0.5 }))).toEqual([1]);
    expect(gradientAt([0], (op, v) => op.Selu(v, { alpha: 0.5, gamma: 2 }))).toEqual([1]);
  });
  test("ThresholdedRelu, Shrink: 0 on the threshold", () => {
    expect(gradientAt([0.5], (op, v) => op.ThresholdedRelu(v, { alpha: 0.5 }))).toEqual([0]);
    expect(gradientAt([-0.5, 0.5], (op, v) => op.Shrink(v, { lambd: 0.5 }))).toEqual([0, 0]);
  });
  test("HardSigmoid, HardSwish: flat where they meet the flat pieces", () => {
    expect(gradientAt([-2, 2], (op, v) => op.HardSigmoid(v, { alpha: 0.25 }))).toEqual([0, 0]);
    expect(gradientAt([-3, 3], (op, v) => op.HardSwish(v))).toEqual([0, 1]);
  });
  test("Clip: 0 on the bounds, as ReLU6", () => {
    const clipped = gradientAt([-2, -1, 0, 1, 2], (op, v) => op.Clip(v, op.constant(-1), op.constant(1)));
    expect(clipped).toEqual([0, 0, 1, 0, 0]);
  });
  test("Abs: 0 at 0", () => expect(gradientAt([0], (op, v) => op.Abs(v))).toEqual([0]));
  test("MaxPool: the first of equals", () => {
    expect(gradientAt([1, 1], (op, v) => op.MaxPool(v, { kernel_shape: [1, 2] }))).toEqual([1, 0]);
  });
  test("ReduceMax: shared among equals", () => {
    expect(gradientAt([3, 1, 3], (op, v) => op.ReduceMax(v))).toEqual([0.5, 0, 0.5]);
  });
  test("Max: shared between equals", () => {
    expect(gradientAt([1, 2], (op, v) => op.Max(v, op.constant(1)))).toEqual([0.5, 1]);
  });
});
