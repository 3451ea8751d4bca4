/** Models in half precision, which become models in single precision. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { halfToNumber, inSinglePrecision, SINGLE_PRECISION_NOTE } from "../../src/onnx/passes/single-precision.ts";
import { readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { numbersOf, tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { distance, float, modelOf, node, noise, runModel } from "./support.ts";

describe("half precision", () => {
  const half = (shape: readonly number[], bits: readonly number[]) => tensor("float16", shape, Uint16Array.from(bits));

  it.each([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x8000, -0],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
    [0x3555, 0.333251953125],
  ])("bits %i are %f", (bits, number) => {
    expect(halfToNumber(bits)).toBe(number);
  });

  const weights = half([3, 2, 1, 1], [0x3c00, 0xc000, 0x3555, 0x0001, 0x4900, 0xb800]);
  const model: Model = modelOf({
    opset: 20,
    inputs: { x: half([1, 2, 2, 2], [0x3c00, 0x4000, 0xbc00, 0x3800, 0x3555, 0x4200, 0xc400, 0x2e66]) },
    initializers: { w: weights, zero: half([], [0]) },
    nodes: [
      node("Conv", ["x", "w"], ["c"]),
      node("Cast", ["c"], ["d"], { to: 1 }),
      node("Cast", ["d"], ["e"], { to: 10 }),
      node("Max", ["e", "zero"], ["y"]),
    ],
    outputs: ["y"],
    outputTypes: { y: "float16" },
  });

  it("becomes single precision, and says so", async () => {
    const single = inSinglePrecision(readModel(writeModel(model)));
    expect(single.notes).toEqual([SINGLE_PRECISION_NOTE]);
    expect([...single.graph.inputs, ...single.graph.outputs].map((v) => v.dtype)).toEqual(["float32", "float32"]);
    const x = noise([1, 2, 2, 2], 5);
    const { y } = await runModel(fold(single), { x });
    const halves = Array.from(weights.data, halfToNumber);
    const expected = Array.from({ length: 12 }, (_, i) => {
      const [c, pixel] = [Math.floor(i / 4), i % 4];
      return Math.max(0, halves[2 * c]! * x.data[pixel]! + halves[2 * c + 1]! * x.data[4 + pixel]!);
    });
    expect(distance(y!, float([1, 3, 2, 2], expected))).toBeLessThan(1e-6);
    const op = createBuilder();
    const source = op.input("x", "float32", [1, 2, 2, 2]);
    const [dx] = gradient(op, load(op, single, { x: source })["y"]!, [source]);
    const { d } = interpret(op.graph({ d: dx! }), { x });
    expect(numbersOf(d!).some((v) => v !== 0)).toBe(true);
  });

  it("is refused by the gradient where it is not converted, also at the input", () => {
    const op = createBuilder();
    const x = op.input("x", "float16", [4]);
    expect(() => gradient(op, op.cast(x, "float32"), [x])).toThrow(/Cast with a float16 input/);
  });

  it("leaves other models as they are", () => {
    const other = modelOf({ inputs: { x: noise([2]) }, nodes: [node("Relu", ["x"], ["y"])], outputs: ["y"] });
    expect(inSinglePrecision(other)).toBe(other);
  });

  it("is computed on as numbers by the interpreter", () => {
    const op = createBuilder();
    const x = op.input("x", "float16", [2]);
    const { y } = interpret(op.graph({ y: op.Add(x, x) }), { x: half([2], [0x3c00, 0xc000]) });
    expect(numbersOf(y!)).toEqual([2, -4]);
  });
});
