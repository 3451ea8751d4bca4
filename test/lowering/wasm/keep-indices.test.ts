import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import { keepIndices } from "../../../src/lowering/wasm/keep-indices.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { numbersOf, scalar, sizeOf, tensorOf } from "../../../src/tensor.ts";
import { interpret } from "../../support/interpreter.ts";
import { runWasm } from "../../support/wasm.ts";

const shape = [1, 1, 8, 8];
/** Different all, and within a step of quantisation most of them. */
const x = tensorOf(
  "float32",
  shape,
  Array.from({ length: sizeOf(shape) }, (_, i) => 10 + ((i * 37) % 64) / 64),
);

type Outputs = Readonly<Record<string, Value>>;

const pooled = (rest: (op: Builder, y: Value, indices: Value) => Outputs) => {
  const op = createBuilder();
  const [y, indices] = op.append(
    "MaxPool",
    [op.input("x", "float32", shape)],
    { kernel_shape: [2, 2], strides: [2, 2] },
    2,
  );
  return op.model(rest(op, y!, indices!));
};

const quantized = (op: Builder, y: Value): Value => {
  const map = [op.tensor(scalar("float32", 0.5), "scale"), op.tensor(scalar("uint8", 3), "zero_point")] as const;
  return op.DequantizeLinear(op.QuantizeLinear(y, ...map), ...map);
};

describe.each<readonly [string, (op: Builder, y: Value) => Value]>([
  ["", (_, y) => y],
  [", reshaped", (op, y) => op.Reshape(y, op.ints([2, 8]))],
  [", transposed and reshaped", (op, y) => op.Reshape(op.Transpose(y, { perm: [0, 1, 3, 2] }), op.ints([16]))],
  [", squeezed", (op, y) => op.Squeeze(y, op.ints([0]))],
  [", unsqueezed", (op, y) => op.Unsqueeze(y, op.ints([0]))],
  [", sliced", (op, y) => op.Slice(y, op.ints([0]), op.ints([3]), op.ints([3]))],
  [", copied", (op, y) => op.Identity(y)],
  [", pooled once more", (op, y) => op.MaxPool(y, { kernel_shape: [2, 2] })],
])("the Indices of a max-pooling that is quantised behind%s", (_, between) => {
  const model = pooled((op, y, indices) => ({ y: quantized(op, between(op, y)), indices }));

  it("are the maxima's, as by definition", async () => {
    const expected = interpret(model.graph, { x });
    const actual = await runWasm({ ...model, graph: keepIndices(model.graph) }, { x });
    expect(numbersOf(actual["indices"]!)).toEqual(numbersOf(expected["indices"]!));
    expect(numbersOf(actual["y"]!)).toEqual(numbersOf(expected["y"]!));
  });

  it("would be others: once they are not, onnxruntime is repaired, and this pass superfluous", async () => {
    const [plain, kept] = [await runWasm(model, { x }, "disabled"), await runWasm(model, { x })];
    expect(numbersOf(kept["indices"]!)).not.toEqual(numbersOf(plain["indices"]!));
  });
});

describe("the graph stays as it is", () => {
  it.each([
    ["without Indices", pooled((op, y) => ({ y: quantized(op, y) }))],
    [
      "where something else reads what is pooled",
      pooled((op, y, indices) => ({ y: quantized(op, y), z: op.Neg(y), indices })),
    ],
    ["where what is pooled is an output", pooled((op, y, indices) => ({ y, q: quantized(op, y), indices }))],
    ["where nothing is quantised", pooled((op, y, indices) => ({ y: op.Neg(y), indices }))],
    ["where a sum is quantised", pooled((op, y, indices) => ({ y: quantized(op, op.Add(y, y)), indices }))],
    [
      "where a view of it is read otherwise",
      pooled((op, y, indices) => {
        const view = op.Reshape(y, op.ints([16]));
        return { y: quantized(op, view), z: op.Neg(view), indices };
      }),
    ],
  ])("%s", (_, { graph }) => expect(keepIndices(graph)).toBe(graph));
});
