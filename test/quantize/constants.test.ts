import { describe, expect, it } from "vitest";
import type { Model } from "../../src/onnx/graph.ts";
import { foldConstants } from "../../src/quantize/constants.ts";
import { tensorOf } from "../../src/tensor.ts";
import { distance, ints, modelOf, node, noise, runModel } from "../onnx/support.ts";

/** What torch writes for F.pad(x, (0, 0, 0, 0, 0, 2)): the pads last to first, then reversed, in seven nodes. */
const padChain = (): Model => {
  const free = modelOf({
    opset: 13,
    inputs: { x: noise([1, 3, 4, 6]) },
    nodes: [
      node("Constant", [], ["length"], { value: ints(4) }),
      node("Constant", [], ["given"], { value: ints(0, 0, 0, 0, 0, 2) }),
      node("ConstantOfShape", ["two"], ["rest"], { value: ints(0) }),
      node("Concat", ["given", "rest"], ["all"], { axis: 0 }),
      node("Reshape", ["all", "pairs"], ["paired"]),
      node("Slice", ["paired", "last", "beyond", "axis", "back"], ["reversed"]),
      node("Transpose", ["reversed"], ["columns"], { perm: [1, 0] }),
      node("Reshape", ["columns", "flat"], ["line"]),
      node("Cast", ["line"], ["pads"], { to: 7 }),
      node("Shape", ["x"], ["shape"]),
      node("Pad", ["x", "pads"], ["padded"]),
      node("Reshape", ["padded", "shape2"], ["y"]),
      node("Concat", ["one", "flat"], ["shape2"], { axis: 0 }),
    ].toSorted((a, b) => Number(b.outputs[0] === "shape2") - Number(a.outputs[0] === "shape2")),
    initializers: {
      two: ints(2),
      pairs: ints(-1, 2),
      last: ints(-1),
      beyond: ints(-(2 ** 40)),
      axis: ints(0),
      back: ints(-1),
      flat: ints(-1),
      one: ints(1),
    },
    outputs: ["y", "shape"],
    outputTypes: { shape: "int64" },
  });
  const inputs = free.graph.inputs.map((v) => ({ ...v, shape: [1, 3, "height", "width"] }));
  return { ...free, graph: { ...free.graph, inputs } };
};

describe("folding of constants", () => {
  it("leaves one initializer of an exporter's Pad chain, and the sizes symbolic", () => {
    const { graph } = foldConstants(padChain());
    expect(graph.nodes.map((n) => n.op)).toEqual(["Shape", "Pad", "Reshape"]);
    expect(graph.initializers.get("pads")).toEqual(ints(0, 0, 0, 0, 0, 2, 0, 0));
    expect([...graph.initializers.keys()].toSorted()).toEqual(["pads", "shape2"]);
    expect(graph.inputs[0]!.shape).toEqual([1, 3, "height", "width"]);
  });

  it.each([
    [4, 6],
    [3, 5],
  ])("keeps what the model computes, at %i × %i", async (height, width) => {
    const x = noise([1, 3, height, width], 5);
    const [before, after] = await Promise.all([
      runModel(padChain(), { x }),
      runModel(foldConstants(padChain()), { x }),
    ]);
    expect(after["shape"]).toEqual(before["shape"]);
    expect(distance(after["y"]!, before["y"]!)).toBe(0);
  });

  it("returns the model itself where there is nothing to fold, also when it is folded again", () => {
    const once = foldConstants(padChain());
    expect(foldConstants(once)).toBe(once);
  });

  it("leaves large constants and outputs of the graph alone", () => {
    const large = tensorOf("float32", [5000], new Float32Array(5000));
    const model = modelOf({
      initializers: { large, a: ints(1), b: ints(2) },
      nodes: [node("Neg", ["large"], ["minus"]), node("Add", ["a", "b"], ["sum"])],
      outputs: ["minus", "sum"],
    });
    expect(foldConstants(model).graph).toEqual(model.graph);
  });
});
