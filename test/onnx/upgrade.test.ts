import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { inferTypes } from "../../src/onnx/infer.ts";
import { load } from "../../src/onnx/load.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { numbersOf, scalar, tensorOf } from "../../src/tensor.ts";
import { upgrade } from "../../src/onnx/upgrade.ts";
import {
  distance,
  fixed,
  float,
  ints,
  modelOf,
  node,
  noise,
  partsOf,
  runModel,
  titleOf,
  type Case,
} from "./support.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";
import { oldCases } from "./upgrade-cases.ts";

const table = oldCases.flatMap(([opsets, c]) => opsets.map((opset) => [opset, titleOf(c), c] as const));

describe("an old form and its opset-21 form compute the same", () => {
  it.each(table)("opset %i: %s", async (opset, _, c) => {
    const { node, names, feeds, initializers } = partsOf(c);
    const sketch = { opset, inputs: feeds, initializers, nodes: [node], outputs: names };
    const draft = modelOf(sketch);
    const types = typesOf(draft, feeds);
    const old = modelOf({
      ...sketch,
      outputTypes: Object.fromEntries(names.map((name, i) => [name, types[i]!.dtype])),
    });
    const folded = fold(readModel(writeModel(old)));
    expect(folded.opset).toBeGreaterThanOrEqual(20); // 20 where activations are int8 (src/onnx/opset-20.ts)
    const [expected, actual] = [await runModel(old, feeds), await runModel(folded, feeds)];
    for (const [i, name] of names.entries()) {
      expect(distance(actual[name]!, expected[name]!)).toBeLessThan(1e-6);
      expect(actual[name]!.shape).toEqual(types[i]!.shape);
    }
  });
});

const typesOf = (
  model: ReturnType<typeof modelOf>,
  feeds: Record<string, { dtype: string; shape: readonly number[] }>,
) => {
  const op = createBuilder();
  const inputs = Object.fromEntries(
    model.graph.inputs.map((v) => [v.name, op.input(v.name, v.dtype, feeds[v.name]!.shape)]),
  );
  return Object.values(load(op, model, inputs));
};

describe("upgrade", () => {
  const x = noise([2, 3]);
  const refuse: readonly (readonly [number, Case, RegExp])[] = [
    [13, ["Dropout", [x, fixed(scalar("float32", 0.5)), fixed(scalar("bool", 1))]], /training mode/],
    [13, ["Dropout", [x, null, scalar("bool", 0)]], /training_mode "x2" is not constant/],
    [14, ["BatchNormalization", [x], { training_mode: 1 }], /training mode/],
    [7, ["BatchNormalization", [x], { spatial: 0 }], /spatial = 0/],
    [13, ["Constant", [], { value_string: "a" }], /neither a tensor, a number nor a list/],
    [7, ["Upsample", [x]], /input 1 is absent/],
    [13, ["Identity", []], /input 0 is absent/],
    [12, ["Softmax", [x], { axis: 7 }], /axis/],
    [12, ["Split", [x], { axis: 7 }, 2], /axis/],
  ];
  it.each(refuse.map(([opset, c, message]) => [opset, titleOf(c), c, message] as const))(
    "opset %i refuses %s",
    (opset, _, c, message) => {
      const { node, values } = partsOf(c);
      const attempt = () => {
        const upgraded = upgrade({ node, inputs: values, op: createBuilder(), opset });
        if ("op" in upgraded)
          inferTypes({ ...node, op: upgraded.op, attributes: upgraded.attributes }, upgraded.inputs);
      };
      expect(attempt).toThrow(OnnxError);
      expect(attempt).toThrow(message);
      expect(attempt).toThrow(`node ${node.op}`);
    },
  );

  it("leaves operators with Object's names alone", () => {
    const { node, values } = partsOf(["hasOwnProperty", [x]]);
    expect(upgrade({ node, inputs: values, op: createBuilder(), opset: 13 })).toEqual({
      op: "hasOwnProperty",
      inputs: values,
      attributes: {},
    });
  });

  it("gives Clip's bounds the type of its input", () => {
    const double = tensorOf("float64", [2], [0.1, 3]);
    const { node, feeds } = partsOf(["Clip", [double], { max: { type: "float", value: 1 } }]);
    const model = modelOf({ opset: 9, inputs: feeds, nodes: [node], outputs: ["y0"] });
    expect(fold(model).graph.outputs).toEqual([{ name: "y0", dtype: "float64", shape: [2] }]);
    expect([...fold(model).graph.initializers.values()].map((t) => t.dtype)).toEqual(["float64"]);
  });

  it("pads named axes behind a transposition as it is defined", async () => {
    const feeds = { x: noise([1, 2, 4, 5]) };
    const nodes = [
      node("Transpose", ["x"], ["t"], { perm: [0, 2, 3, 1] }),
      node("Pad", ["t", "pads", "", "axes"], ["p"]),
      node("Transpose", ["p"], ["y"], { perm: [0, 3, 1, 2] }),
    ];
    const initializers = { pads: ints(1, 2, 0, 3), axes: ints(1, -2) };
    const model = modelOf({ opset: 21, inputs: feeds, initializers, nodes, outputs: ["y"] });
    const expected = interpret(model.graph, feeds)["y"]!;
    const actual = (await runWasm(fold(readModel(writeModel(model))), feeds))["y"]!;
    expect(actual.shape).toEqual(expected.shape);
    expect(numbersOf(actual)).toEqual(numbersOf(expected));
  });

  it("takes a slice to the end that is written as the largest integer", () => {
    const end = 2 ** 63 - 1024;
    const { node, feeds } = partsOf(["Slice", [float([4], [1, 2, 3, 4])], { starts: [1], ends: [end] }]);
    const folded = fold(readModel(writeModel(modelOf({ opset: 9, inputs: feeds, nodes: [node], outputs: ["y0"] }))));
    expect(folded.graph.outputs[0]!.shape).toEqual([3]);
  });
});
