import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError, type Node } from "../../src/onnx/graph.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { numbersOf, scalar, tensorOf, type Tensor } from "../../src/tensor.ts";
import { distance, float, ints, modelOf, node, noise, partsOf, runModel, titleOf, type Case } from "./support.ts";

/** What the builder folds a node on constants to, or undefined where it leaves it to the runtime. */
const folded = (c: Case): Tensor | undefined => {
  const { node, initializers } = partsOf(c);
  const op = createBuilder();
  const values = node.inputs.map((name) => (name === "" ? null : op.tensor(initializers[name]!, name)));
  return op.appendNode(node.op, values, node.attributes)[0]!.constant;
};

const constant = ([op, inputs, ...rest]: Case): Case => [
  op,
  inputs.map((t) => (t === null || "constant" in t ? t : { constant: t })),
  ...rest,
];

const a = ints(7, -7, 12, 0);
const b = ints(2, 2, -5, 3);
const x = noise([3, 4], 1);
const positive = float([3, 1], [0.5, 2, 3.25]);
const bool = tensorOf("bool", [2, 2], [1, 0, 0, 1]);
const grid = { ...ints(...Array.from({ length: 24 }, (_, i) => i * 3 - 20)), shape: [2, 3, 4] };

const cases: readonly Case[] = [
  ..."Add Sub Mul Div Mod Max Min Equal Greater GreaterOrEqual Less LessOrEqual BitwiseAnd BitwiseOr BitwiseXor"
    .split(" ")
    .map((op): Case => [op, [a, b]]),
  ..."Add Sub Mul Div Max Min Greater GreaterOrEqual Less LessOrEqual"
    .split(" ")
    .map((op): Case => [op, [x, positive]]),
  ...["Max", "Min", "Sum"].map((op): Case => [op, [x, positive, float([], [0.7])]]),
  ["BitwiseAnd", [ints(2 ** 40 + 5), ints(2 ** 40 + 3)]],
  ["BitwiseNot", [a]],
  ["BitwiseNot", [tensorOf("uint8", [2], [0, 200])]],
  ...["LEFT", "RIGHT"].flatMap((direction): Case[] => [
    ["BitShift", [tensorOf("uint8", [3], [200, 3, 1]), tensorOf("uint8", [1], [2])], { direction }],
    ["BitShift", [tensorOf("uint64", [2], [2 ** 40, 7]), tensorOf("uint64", [2], [3, 1])], { direction }],
  ]),
  ["Clip", [a, scalar("int64", -3), scalar("int64", 9)]],
  ["Clip", [x, null, scalar("float32", 0.2)]],
  ["Clip", [x, scalar("float32", 0.2)]],
  ["Mod", [noise([5]), noise([5], 2)], { fmod: 1 }],
  ["Mod", [a, b], { fmod: 1 }],
  ["Div", [tensorOf("int32", [3], [7, -7, 9]), tensorOf("int32", [1], [2])]],
  ["Add", [tensorOf("uint8", [2], [250, 3]), tensorOf("uint8", [1], [10])]],
  ["Pow", [positive, x]],
  ["Pow", [ints(2, 3, -2), ints(3, 2, 3)]],
  ...["Neg", "Abs", "Floor", "Ceil", "Round"].map((op): Case => [op, [noise([6], 3)]]),
  ["Round", [float([6], [0.5, 1.5, 2.5, -0.5, -1.5, -2.5])]],
  ...["Neg", "Abs", "Sign"].map((op): Case => [op, [a]]),
  ...["Sqrt", "Reciprocal"].map((op): Case => [op, [positive]]),
  ...["And", "Or", "Xor"].map((op): Case => [op, [bool, tensorOf("bool", [2], [1, 0])]]),
  ["Not", [bool]],
  ["Where", [bool, float([2], [1, 2]), float([2, 1], [3, 4])]],
  ["Where", [tensorOf("bool", [1], [0]), ints(1), ints(2, 3)]],
  ...[1, 3, 6, 7, 9, 11].map((to): Case => ["Cast", [float([4], [-1.7, 0, 0.4, 100.9])], { to }]),
  ["Cast", [a], { to: 1 }],
  ["Cast", [tensorOf("bool", [2], [1, 0])], { to: 7 }],
  ["Cast", [ints(Number.MAX_SAFE_INTEGER)], { to: 7 }],
  ["Identity", [x]],
  ["Reshape", [x, ints(2, -1)]],
  ["Flatten", [grid], { axis: 2 }],
  ["Squeeze", [noise([1, 3, 1]), ints(2)]],
  ["Unsqueeze", [x, ints(1)]],
  ["Expand", [positive, ints(2, 1, 4)]],
  ["Concat", [grid, { ...ints(1, 2, 3, 4, 5, 6, 7, 8), shape: [2, 1, 4] }], { axis: 1 }],
  ["Concat", [ints(1), ints(), ints(2, 3)], { axis: -1 }],
  ["Gather", [grid, scalar("int64", -1)], { axis: 1 }],
  ["Gather", [grid, { ...ints(0, 3, -1, 1), shape: [2, 2] }], { axis: 2 }],
  ["Gather", [ints(4, 5, 6), ints(2, 0)]],
  ["Slice", [grid, ints(-1, 0), ints(-100, 3), ints(2, 1), ints(-2, 2)]],
  ["Slice", [ints(1, 2, 3, 4), ints(2), ints(2 ** 53)]],
  ["Transpose", [grid]],
  ["Transpose", [grid], { perm: [1, 2, 0] }],
  ["Tile", [grid, ints(2, 1, 3)]],
  ["Trilu", [grid]],
  ["Trilu", [grid, scalar("int64", -1)], { upper: 0 }],
  ["Trilu", [grid, scalar("int64", 2)]],
  ["Range", [scalar("int64", 3), scalar("int64", -8), scalar("int64", -4)]],
  ["Range", [scalar("float32", 0.5), scalar("float32", 2.2), scalar("float32", 0.3)]],
  ["Constant", [], { value: x }],
  ["ConstantOfShape", [ints(2, 3)]],
  ["ConstantOfShape", [ints(2)], { value: ints(-4) }],
  ["Shape", [grid]],
  ["Shape", [grid], { start: -2 }],
  ["Size", [grid]],
  ...["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"].flatMap((op): Case[] => [
    [op, [x]],
    [op, [a], { keepdims: 0 }],
    [op, [{ ...ints(3, -1, 2, 4, 5, -6), shape: [2, 3] }, ints(-1)], { keepdims: 0 }],
    [op, [noise([2, 3, 4]), ints(0, 2)]],
    [op, [x], { noop_with_empty_axes: 1 }],
  ]),
];

describe("constant folding of a node", () => {
  it.each(cases.map((c) => [titleOf(constant(c)), constant(c)] as const))("equals onnxruntime: %s", async (_, c) => {
    const value = folded(c);
    expect(value).toBeDefined();
    const { node, names, initializers } = partsOf(c);
    const model = modelOf({ initializers, nodes: [node], outputs: names, outputTypes: { y0: value!.dtype } });
    expect(distance(value!, (await runModel(model))["y0"]!)).toBeLessThan(1e-6);
  });

  it.each([
    ["division by zero", ["Div", [ints(1), ints(0)]]],
    ["an infinity as an integer", ["Cast", [float([1], [Infinity])], { to: 7 }]],
    [
      "float16, which holds raw bits",
      ["Add", [tensorOf("float16", [1], [0x3c00]), tensorOf("float16", [1], [0x3c00])]],
    ],
    ["a cast to float16", ["Cast", [float([1], [1])], { to: 10 }]],
    ["what is large", ["Add", [float([5000], new Float32Array(5000)), float([1], [1])]]],
    ["operators it has no evaluator for", ["Erf", [x]]],
  ] satisfies [string, Case][])("leaves to the runtime %s", (_, c) => {
    expect(folded(constant(c))).toBeUndefined();
  });

  it.each([
    ["Split", [grid, ints(1, 3)], { axis: -1 }, 2],
    ["Split", [ints(1, 2, 3, 4, 5)], { num_outputs: 2 }, 2],
  ] satisfies Case[])("gives every output of %s", async (...c) => {
    const { node, names, initializers } = partsOf(constant(c));
    const op = createBuilder();
    const values = node.inputs.map((name) => op.tensor(initializers[name]!, name));
    const parts = op.appendNode(node.op, values, node.attributes, names);
    const outputTypes = Object.fromEntries(names.map((name) => [name, "int64" as const]));
    const expected = await runModel(modelOf({ initializers, nodes: [node], outputs: names, outputTypes }));
    for (const [i, name] of names.entries()) expect(parts[i]!.constant).toEqual(expected[name]);
  });

  it("keeps the largest integer positive through arithmetic", () => {
    const largest: Tensor = { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 63n - 1n) };
    expect(numbersOf(folded(constant(["Mul", [largest, ints(1)]]))!)[0]).toBeGreaterThan(2 ** 62);
    expect(folded(constant(["Cast", [largest], { to: 7 }]))).toEqual(largest);
  });

  it("moves float16 about", () => {
    const value = folded(
      constant(["Concat", [tensorOf("float16", [1], [1]), tensorOf("float16", [1], [2])], { axis: 0 }]),
    );
    expect(value).toEqual(tensorOf("float16", [2], [1, 2]));
  });

  it("refuses an index out of range, naming the node", () => {
    const bad = constant(["Gather", [ints(1, 2), ints(2)]]);
    expect(() => folded(bad)).toThrow(OnnxError);
    expect(() => folded(bad)).toThrow(/node Gather .* index 2 is out of range for axis 0 of size 2/);
  });
});

describe("the shape arithmetic of exporters folds away", () => {
  const image = noise([2, 3, 6, 10]);
  const chain = (nodes: readonly Node[], initializers: Record<string, Tensor>) => {
    const model = modelOf({ opset: 13, inputs: { x: image }, initializers, nodes, outputs: ["y"] });
    return { model, ops: fold(model).graph.nodes.map((n) => n.op) };
  };
  const same = async (model: ReturnType<typeof modelOf>) => {
    const [expected, actual] = [await runModel(model, { x: image }), await runModel(fold(model), { x: image })];
    expect(distance(actual["y"]!, expected["y"]!)).toBe(0);
  };

  it("Shape → Gather → Unsqueeze → Concat → Reshape", async () => {
    const { model, ops } = chain(
      [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axes"], ["n1"]),
        node("Concat", ["n1", "minus"], ["t"], { axis: 0 }),
        node("Reshape", ["x", "t"], ["y"]),
      ],
      { zero: scalar("int64", 0), axes: ints(0), minus: ints(-1) },
    );
    expect(ops).toEqual(["Reshape"]);
    await same(model);
  });

  it("sizes of a Resize from Shape, Slice, Cast, Mul and Floor", async () => {
    const { model, ops } = chain(
      [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "two", "four", "zero"], ["hw"]),
        node("Cast", ["hw"], ["f"], { to: 1 }),
        node("Mul", ["f", "factor"], ["scaled"]),
        node("Floor", ["scaled"], ["floored"]),
        node("Cast", ["floored"], ["i"], { to: 7 }),
        node("Slice", ["s", "zero", "two", "zero"], ["nc"]),
        node("Concat", ["nc", "i"], ["sizes"], { axis: 0 }),
        node("Resize", ["x", "", "", "sizes"], ["y"], { mode: "nearest", nearest_mode: "floor" }),
      ],
      { zero: ints(0), two: ints(2), four: ints(2 ** 53), factor: float([2], [1.5, 0.75]) },
    );
    expect(ops).toEqual(["Resize"]);
    expect(numbersOf(fold(model).graph.initializers.get("sizes")!)).toEqual([2, 3, 9, 7]);
    await same(model);
  });

  it("a size rounded up to a multiple, from Split, Mod and integer Div", async () => {
    const { model, ops } = chain(
      [
        node("Shape", ["x"], ["s"]),
        node("Split", ["s", "ones"], ["n", "c", "h", "w"], { axis: 0 }),
        node("Add", ["h", "three"], ["more"]),
        node("Div", ["more", "four"], ["blocks"]),
        node("Mul", ["blocks", "four"], ["h4"]),
        node("Mod", ["w", "four"], ["rest"]),
        node("Sub", ["four", "rest"], ["pad"]),
        node("Sub", ["h4", "h"], ["below"]),
        node("Concat", ["zeros", "below", "pad"], ["pads"], { axis: 0 }),
        node("Pad", ["x", "pads"], ["y"]),
      ],
      { ones: ints(1, 1, 1, 1), three: ints(3), four: ints(4), zeros: ints(0, 0, 0, 0, 0, 0) },
    );
    expect(ops).toEqual(["Pad"]);
    expect(numbersOf(fold(model).graph.initializers.get("pads")!)).toEqual([0, 0, 0, 0, 0, 0, 2, 2]);
    await same(model);
  });

  it("Expand to a shape made by ConstantOfShape, Mul, Equal and Where", async () => {
    const { model, ops } = chain(
      [
        node("ConstantOfShape", ["rank"], ["ones"], { value: ints(1) }),
        node("Mul", ["ones", "minusOne"], ["minus"]),
        node("Equal", ["wanted", "minus"], ["keep"]),
        node("Where", ["keep", "ones", "wanted"], ["shape"]),
        node("Expand", ["x", "shape"], ["y"]),
      ],
      { rank: ints(5), minusOne: ints(-1), wanted: ints(2, -1, -1, -1, -1) },
    );
    expect(ops).toEqual(["Expand"]);
    await same(model);
  });

  it("a pad list by Range, Transpose and Reshape", async () => {
    const { model, ops } = chain(
      [
        node("Range", ["a", "b", "c"], ["r"]),
        node("Reshape", ["r", "square"], ["m"]),
        node("Transpose", ["m"], ["t"]),
        node("Reshape", ["t", "flat"], ["pads"]),
        node("Pad", ["x", "pads"], ["y"]),
      ],
      { a: scalar("int64", 0), b: scalar("int64", 8), c: scalar("int64", 1), square: ints(4, 2), flat: ints(-1) },
    );
    expect(ops).toEqual(["Pad"]);
    await same(model);
  });
});
