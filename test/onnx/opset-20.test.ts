/** Which operator set a graph is declared to be of. */

import { expect, it } from "vitest";
import { createBuilder, OPSET, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { scalar, tensorOf, type DType } from "../../src/tensor.ts";
import { runWasm } from "../support/wasm.ts";

const pair = (op: Builder, x: Value, dtype: DType): Value => {
  const [scale, zero] = [op.constant(0.1), op.tensor(scalar(dtype, 3))];
  return op.DequantizeLinear(op.QuantizeLinear(x, scale, zero), scale, zero);
};

const modelOf = (build: (op: Builder, x: Value) => Value) => {
  const op = createBuilder();
  return op.model({ y: build(op, op.input("x", "float32", [1, 2, 2, 2])) });
};

const groups = (op: Builder, x: Value): Value => {
  const ones = op.tensor(tensorOf("float32", [2], [1, 1]));
  return op.GroupNormalization(x, ones, ones, { num_groups: 2 });
};

it.each<[string, (op: Builder, x: Value) => Value, number]>([
  ["no integers", (op, x) => op.Relu(x), OPSET],
  ["uint8 activations", (op, x) => pair(op, x, "uint8"), OPSET],
  ["int8 activations", (op, x) => pair(op, x, "int8"), 20],
  ["int8 activations and 16 bits", (op, x) => pair(op, pair(op, x, "int8"), "uint16"), OPSET],
  ["int8 activations and a GroupNormalization", (op, x) => groups(op, pair(op, x, "int8")), OPSET],
])("%s", async (_, build, opset) => {
  const model = modelOf(build);
  expect(model.opset).toBe(opset);
  const { y } = await runWasm(model, { x: tensorOf("float32", [1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]) });
  expect(y!.shape).toEqual([1, 2, 2, 2]);
});

it("int8 activations that are reshaped run in onnxruntime", async () => {
  const model = modelOf((op, x) => op.Relu(op.Reshape(pair(op, x, "int8"), op.ints([2, 4]))));
  const values = [1, 2, 3, 4, 5, 6, 7, 8];
  const { y } = await runWasm(model, { x: tensorOf("float32", [1, 2, 2, 2], values) });
  expect(Array.from(y!.data as Float32Array, (v) => Math.round(v))).toEqual(values);
});
