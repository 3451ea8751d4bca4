/** The interpreter against onnxruntime, and shape inference against the interpreter, over every case. */

import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { attributesOf } from "../../src/onnx/attributes.ts";
import type { Graph, Node, PlainAttributes } from "../../src/onnx/graph.ts";
import { numbersOf, tensorOf, zeros, type Tensor } from "../../src/tensor.ts";
import { cases, titleOf } from "./cases/all.ts";
import { feedsOf, inputsOf, type Case } from "./cases/case.ts";
import { interpret } from "./interpreter.ts";
import { erf } from "./interpreter/erf.ts";
import { runWasm, undeclared } from "./wasm.ts";

const modelOf = (c: Case) => {
  const op = createBuilder(c.operator);
  return op.model(c.build(op, ...inputsOf(op, c)));
};

/** max |a − b| ÷ max |b|; integers must be equal. */
const distance = (actual: Tensor, expected: Tensor): number => {
  const [a, b] = [numbersOf(actual), numbersOf(expected)];
  const difference = Math.max(0, ...a.map((v, i) => Math.abs(v - b[i]!)));
  if (actual.dtype !== "float32" && actual.dtype !== "float64") return difference === 0 ? 0 : Infinity;
  return difference === 0 ? 0 : difference / Math.max(...b.map(Math.abs));
};

describe("the interpreter agrees with onnxruntime", () => {
  test.each(cases.map((c) => [titleOf(c), c] as const))("%s", async (_, c) => {
    const model = modelOf(c);
    const feeds = feedsOf(c, 1);
    const actual = await runWasm(c.undeclared ? undeclared(model) : model, feeds);
    const expected = interpret(model.graph, feeds);
    for (const { name } of model.graph.outputs) {
      expect(actual[name]!.shape).toEqual([...expected[name]!.shape]);
      expect(distance(actual[name]!, expected[name]!)).toBeLessThanOrEqual(1e-5);
    }
  });
});

describe("inferred types are those of the interpreted values", () => {
  test.each(cases.map((c) => [titleOf(c), c] as const))("%s", (_, c) => {
    const { graph } = modelOf(c);
    const outputs = interpret(graph, feedsOf(c, 1));
    for (const { name, shape, dtype } of graph.outputs) {
      expect(outputs[name]!.shape).toEqual([...shape!]);
      expect(outputs[name]!.dtype).toBe(dtype === "float32" ? "float64" : dtype);
    }
  });
});

describe("interpret", () => {
  test("computes in float64", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const graph = op.graph({ y: op.Sub(op.Add(x, op.constant(1)), op.constant(1)) });
    const { y } = interpret(graph, { x: tensorOf("float64", [2], [1e-12, 2 ** -40]) });
    expect(y!.data[1]).toBe(2 ** -40);
    expect(Math.abs(Number(y!.data[0]) - 1e-12)).toBeLessThan(2 ** -52);
  });

  test("names an operator that it does not know", () => {
    const op = createBuilder();
    const graph = op.graph({ y: op.Relu(op.input("x", "float32", [1])) });
    const unknown = { ...graph, nodes: [{ ...graph.nodes[0]!, op: "Hartley" }] };
    expect(() => interpret(unknown, { x: tensorOf("float32", [1], [0]) })).toThrow(/Hartley/);
  });

  test("names an input that is not fed", () => {
    const op = createBuilder();
    expect(() => interpret(op.graph({ y: op.Relu(op.input("image", "float32", [1])) }), {})).toThrow(/image/);
  });
});

const nodeOf = (op: string, inputs: string[], output: string, attributes: PlainAttributes = {}): Node => ({
  op,
  inputs,
  name: output,
  domain: "",
  outputs: [output],
  attributes: attributesOf(op, attributes),
});

/** The builder folds these away: they are read from a graph written out. */
test("Shape, Size, ConstantOfShape, Constant and Range", () => {
  const names = ["dims", "size", "filled", "range"];
  const graph: Graph = {
    name: "shapes",
    inputs: [{ name: "x", dtype: "float32", shape: [2, 3, 4] }],
    outputs: names.map((name) => ({ name, dtype: "int64", shape: null })),
    initializers: new Map(["1", "10", "4"].map((v) => [v, tensorOf("int64", [], [Number(v)])])),
    nodes: [
      nodeOf("Shape", ["x"], "dims", { start: 1 }),
      nodeOf("Size", ["x"], "size"),
      nodeOf("Constant", [], "two", { value: tensorOf("int64", [2], [1, 2]) }),
      nodeOf("ConstantOfShape", ["two"], "filled", { value: tensorOf("int64", [1], [7]) }),
      nodeOf("Range", ["1", "10", "4"], "range"),
    ],
  };
  const out = interpret(graph, { x: zeros("float32", [2, 3, 4]) });
  expect(names.map((name) => [out[name]!.shape, numbersOf(out[name]!)])).toEqual([
    [[2], [3, 4]],
    [[], [24]],
    [
      [1, 2],
      [7, 7],
    ],
    [[3], [1, 5, 9]],
  ]);
});

test.each([
  [0, 0],
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [-1, -0.8427007929497149],
  [2, 0.9953222650189527],
  [2.5, 0.9995930479825551],
  [3, 0.9999779095030014],
  [5, 0.9999999999984626],
])("erf(%d), tabulated", (x, y) => {
  expect(Math.abs(erf(x) - y)).toBeLessThan(1e-14);
});
