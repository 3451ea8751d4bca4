import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OnnxError, type Model } from "../../../src/onnx/graph.ts";
import { fold } from "../../../src/onnx/passes/fold.ts";
import { readModel } from "../../../src/onnx/read.ts";
import { scalar } from "../../../src/tensor.ts";
import { hasReference, referenceNote, referencePath } from "../../support/reference.ts";
import { distance, float, ints, modelOf, node, noise, runModel } from "../support.ts";

/** A resize to twice the size, then a reshape, at any size. */
const draft = modelOf({
  opset: 13,
  inputs: { x: noise([1, 2, 3, 4]) },
  initializers: { two: ints(1, 1, 2, 2), zero: scalar("int64", 0), rest: ints(-1), axes: ints(0) },
  nodes: [
    node("Shape", ["x"], ["s"]),
    node("Mul", ["s", "two"], ["sizes"]),
    node("Resize", ["x", "", "", "sizes"], ["r"], { mode: "nearest", nearest_mode: "floor" }),
    node("Gather", ["s", "zero"], ["n"]),
    node("Unsqueeze", ["n", "axes"], ["n1"]),
    node("Concat", ["n1", "rest"], ["t"], { axis: 0 }),
    node("Reshape", ["r", "t"], ["y"]),
    node("Identity", ["x"], ["same"]),
  ],
  outputs: ["y", "same", "sizes"],
  outputTypes: { sizes: "int64" },
});
const dynamic: Model = {
  ...draft,
  metadata: new Map([["task", "test"]]),
  graph: { ...draft.graph, inputs: [{ name: "x", dtype: "float32", shape: ["N", 2, "height", null] }] },
};

describe("fold", () => {
  it("fixes every shape, folds what follows from them, and computes the same", async () => {
    const folded = fold(dynamic, { x: [2, 2, 5, 3] });
    expect(folded.graph.nodes.map((n) => n.op)).toEqual(["Resize", "Reshape", "Identity", "Identity"]);
    const x = noise([2, 2, 5, 3]);
    const [expected, actual] = [await runModel(dynamic, { x }), await runModel(folded, { x })];
    for (const name of ["y", "same", "sizes"]) expect(distance(actual[name]!, expected[name]!)).toBe(0);
  });

  it("is an opset-21 model with static shapes; names, order and metadata are kept", () => {
    const folded = fold(dynamic, { x: [2, 2, 5, 3] });
    expect(folded.opset).toBe(21);
    expect(folded.graph.inputs).toEqual([{ name: "x", dtype: "float32", shape: [2, 2, 5, 3] }]);
    expect(folded.graph.outputs).toEqual([
      { name: "y", dtype: "float32", shape: [2, 120] },
      { name: "same", dtype: "float32", shape: [2, 2, 5, 3] },
      { name: "sizes", dtype: "int64", shape: [4] },
    ]);
    expect([folded.graph.name, folded.producer]).toEqual([dynamic.graph.name, dynamic.producer]);
    expect(folded.metadata).toEqual(dynamic.metadata);
  });

  it("is idempotent", () => {
    const once = fold(dynamic, { x: [2, 2, 5, 3] });
    expect(fold(once)).toEqual(once);
  });

  it("takes the model's own shapes where they are fixed", () => {
    expect(fold(draft).graph.inputs[0]!.shape).toEqual([1, 2, 3, 4]);
  });

  it("leaves its argument alone", () => {
    const before = structuredClone(dynamic);
    fold(dynamic, { x: [2, 2, 5, 3] });
    expect(dynamic).toEqual(before);
  });

  it("keeps an input that is an output", async () => {
    const model = modelOf({ inputs: { x: noise([2]) }, nodes: [node("Neg", ["x"], ["y"])], outputs: ["x", "y"] });
    expect(Object.keys(await runModel(fold(model), { x: float([2], [1, 2]) }))).toEqual(["x", "y"]);
  });

  it.each([
    [{}, /^input "x": its shape is not fixed by the model/],
    [{ x: [1, 3, 5, 5] }, /^input "x": is \[N, 2, height, \?\], cannot be \[1, 3, 5, 5\]/],
    [{ x: [1, 2, 5, 5], z: [1] }, /^"z": is not an input; inputs: x/],
    [{ x: [1, 2, 5, 5], toString: [1] }, /^"toString": is not an input/],
  ])("refuses %j", (shapes, message) => {
    expect(() => fold(dynamic, shapes)).toThrow(OnnxError);
    expect(() => fold(dynamic, shapes)).toThrow(message);
  });

  it("names the node whose shape depends on data", () => {
    const model = modelOf({
      inputs: { x: noise([4]), t: ints(2, 2) },
      nodes: [node("Reshape", ["x", "t"], ["y"])],
      outputs: ["y"],
    });
    expect(() => fold(model)).toThrow(/node Reshape .*"t" must be a constant/);
  });

  it.skipIf(!hasReference).each([
    ["enet_camvid.onnx", [1, 3, 360, 480]],
    ["deeplabv3_mnv2_voc.onnx", [1, 3, 513, 513]],
  ])(`leaves no shape arithmetic in %s${referenceNote}`, (file, shape) => {
    const model = readModel(new Uint8Array(readFileSync(referencePath("models", file))));
    const folded = fold(model, { [model.graph.inputs[0]!.name]: shape });
    const arithmetic = new Set(["Shape", "Gather", "Unsqueeze", "Constant", "ConstantOfShape"]);
    expect(folded.graph.nodes.filter((n) => arithmetic.has(n.op))).toEqual([]);
    expect(folded.graph.outputs.map((v) => v.name)).toEqual(model.graph.outputs.map((v) => v.name));
    expect(folded.graph.outputs.every((v) => v.shape?.every((d) => typeof d === "number"))).toBe(true);
  });
});
