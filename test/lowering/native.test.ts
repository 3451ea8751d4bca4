/** What is rewritten for native onnxruntime means the same, by WASM, to the bit. */

import { describe, expect, it } from "vitest";
import { lowerForNative } from "../../src/lowering/native.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { tensorOf } from "../../src/tensor.ts";
import { runWasm } from "../support/wasm.ts";

const modelOf = (build: (op: Builder, x: Value) => Value) => {
  const op = createBuilder();
  return op.model({ y: build(op, op.input("x", "float32", [2, 3])) });
};
const x = tensorOf("float32", [2, 3], [1.7, -2.3, 0, -0, 1e-40, -Infinity]);

describe("a graph for native onnxruntime", () => {
  it("has no PRelu with constant slopes, and gives the same", async () => {
    const model = modelOf((op, v) => op.PRelu(v, op.tensor(tensorOf("float32", [3], [0.1, 0.3, 2]), "slope")));
    const lowered = { ...model, graph: lowerForNative(model.graph) };
    const operators = lowered.graph.nodes.map(({ op }) => op).filter((op) => op !== "Identity");
    expect(operators).toEqual(["Min", "Mul", "Relu", "Add"]);
    const [y, expected] = [(await runWasm(lowered, { x }))["y"]!, (await runWasm(model, { x }))["y"]!];
    for (const [i, v] of [...expected.data].entries()) expect(Number(y.data[i]) === Number(v)).toBe(true);
  });

  it("has a zero point for int8 weights, in the shape of their scales, and gives the same", async () => {
    const model = modelOf((op, v) => {
      const weights = op.tensor(tensorOf("int8", [3, 2], [1, -2, 3, -4, 5, -127]), "weights");
      const scales = op.tensor(tensorOf("float32", [2], [0.5, 0.25]), "scales");
      return op.MatMul(v, op.append("DequantizeLinear", [weights, scales], { axis: 1 })[0]);
    });
    const graph = lowerForNative(model.graph);
    const q = graph.nodes.find(({ op }) => op === "DequantizeLinear");
    expect(graph.initializers.get(q!.inputs[2]!)).toEqual(tensorOf("int8", [2], [0, 0]));
    const fed = { x: tensorOf("float32", [2, 3], [1, 2, 3, 4, 5, 6]) };
    expect((await runWasm({ ...model, graph }, fed))["y"]).toEqual((await runWasm(model, fed))["y"]);
  });

  it("is the graph itself where there is nothing of that kind", () => {
    const { graph } = modelOf((op, v) => op.Relu(v));
    expect(lowerForNative(graph)).toBe(graph);
  });
});
