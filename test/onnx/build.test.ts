import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { printGraph } from "../../src/onnx/print.ts";
import { readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { numbersOf, filled } from "../../src/tensor.ts";
import { distance, float, ints, modelOf, node, noise, runModel } from "./support.ts";

describe("names", () => {
  it("are unique: inputs, constants and nodes share one authority", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const again = op.input("x", "float32", [2]);
    const w = op.tensor(float([2], [1, 2]), "x");
    const sum = op.append("Add", [x, again], {}, ["x"])[0]!;
    const next = op.append("Add", [sum, w], {}, ["x"])[0]!;
    expect([x, again, w, sum, next].map((v) => v.name)).toEqual(["x", "x_1", "x_2", "x_3", "x_4"]);
  });

  it("may look like numbered ones", () => {
    const op = createBuilder();
    const names = ["a_1", "a", "a", "a"].map((name) => op.input(name, "float32", []).name);
    expect(new Set(names).size).toBe(4);
  });

  it("of nodes are unique", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const y = op.Relu(op.Relu(op.Relu(x)));
    const nodes = op.graph({ y, Relu: y }).nodes.map((n) => n.name);
    expect(new Set(nodes).size).toBe(nodes.length);
  });
});

describe("common subexpressions", () => {
  const op = createBuilder();
  const x = op.input("x", "float32", [4, 4]);
  const z = op.input("z", "float32", [4, 4]);
  it("the same node on the same inputs is one value", () => {
    expect(op.Add(x, z)).toBe(op.Add(x, z));
    expect(op.Softmax(x, { axis: 1 })).toBe(op.Softmax(x, { axis: 1 }));
    expect(op.constant(2)).toBe(op.constant(2));
    expect(op.ints([1, 2])).toBe(op.ints([1, 2]));
  });

  it("what differs is another", () => {
    expect(op.Sub(x, z)).not.toBe(op.Sub(z, x));
    expect(op.Softmax(x, { axis: 1 })).not.toBe(op.Softmax(x, { axis: 0 }));
    expect(op.LeakyRelu(x, { alpha: NaN })).not.toBe(op.LeakyRelu(x, { alpha: Infinity }));
    expect(op.LeakyRelu(x, { alpha: 0 })).not.toBe(op.LeakyRelu(x, { alpha: -0 }));
    expect(op.constant(0)).not.toBe(op.constant(-0));
    expect(numbersOf(op.constant(-0).constant!)).toEqual([-0]);
    expect(op.constant(2)).not.toBe(op.constant(2, "int64"));
    expect(op.append("Split", [x], { axis: 0 }, 2)).not.toBe(op.append("Split", [x], { axis: 0 }, 4));
    expect(op.Clip(x, op.constant(0), null)).not.toBe(op.Clip(x, null, op.constant(0)));
  });
});

describe("graph", () => {
  it("holds only what its outputs need", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const used = op.Mul(x, op.tensor(float([2], [2, 3]), "used"));
    op.Add(used, op.tensor(float([2], [2, 3]), "unused"));
    const graph = op.graph({ y: used });
    expect(graph.nodes.map((n) => n.op)).toEqual(["Mul", "Identity"]);
    expect([...graph.initializers.keys()]).toEqual(["used"]);
  });

  it("gives outputs that are inputs or constants a node", async () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const c = op.tensor(float([2], [2, 3]), "c");
    const model = op.model({ a: x, b: x, c, d: c });
    expect(model.graph.nodes.map((n) => [n.op, n.outputs[0]])).toEqual(
      ["a", "b", "c", "d"].map((n) => ["Identity", n]),
    );
    const results = await runModel(model, { x: float([2], [5, 6]) });
    expect(Object.values(results).map(numbersOf)).toEqual([
      [5, 6],
      [5, 6],
      [2, 3],
      [2, 3],
    ]);
  });

  it("gives each output its name, whatever bore it", async () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const a = op.append("Relu", [x], {}, ["a"])[0]!;
    const b = op.append("Neg", [a], {}, ["b"])[0]!;
    const model = op.model({ b: a, a: b });
    expect(model.graph.outputs.map((v) => v.name)).toEqual(["b", "a"]);
    const results = await runModel(model, { x: float([2], [5, -6]) });
    expect([numbersOf(results["b"]!), numbersOf(results["a"]!)]).toEqual([
      [5, 0],
      [-5, -0],
    ]);
    expect(readModel(writeModel(model))).toEqual(model);
  });

  it("can be asked for twice", () => {
    const op = createBuilder();
    const y = op.Relu(op.input("x", "float32", [2]));
    expect(op.graph({ y })).toEqual(op.graph({ y }));
    expect(op.steps.length).toBe(1);
  });

  it("passes an input through under its own name", async () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const model = op.model({ x, y: op.Neg(x) });
    expect(numbersOf((await runModel(model, { x: float([2], [1, 2]) }))["x"]!)).toEqual([1, 2]);
  });

  it("refuses an output with the name of an input that is another value", () => {
    const op = createBuilder();
    const y = op.Relu(op.input("x", "float32", [2]));
    expect(() => op.graph({ x: y })).toThrow(OnnxError);
  });
});

describe("constants", () => {
  it("of every type run", async () => {
    const op = createBuilder();
    const outputs = {
      half: op.cast(op.constant(1.5, "float16"), "float32"),
      wide: op.constant(-3, "int64"),
      zeros: op.zeros({ dtype: "float32", shape: [100, 100] }),
      filled: op.tensor(filled("int64", [2], 7)),
    };
    const results = await runModel(op.model(outputs));
    expect(numbersOf(results["half"]!)).toEqual([1.5]);
    expect(numbersOf(results["wide"]!)).toEqual([-3]);
    expect(numbersOf(results["filled"]!)).toEqual([7, 7]);
    expect(results["zeros"]!.shape).toEqual([100, 100]);
  });
});

describe("tensors", () => {
  const op = createBuilder();
  const weights = (values: number[], name = "w") => op.tensor(float([values.length], values), name);

  it("of one name and equal to the bit are one value", () => {
    expect(weights([1, NaN, 2])).toBe(weights([1, NaN, 2]));
    expect(op.tensor(float([1, 3], [1, NaN, 2]), "w")).not.toBe(weights([1, NaN, 2]));
    expect(weights([1, NaN, 2], "v")).not.toBe(weights([1, NaN, 2]));
    expect(weights([0])).not.toBe(weights([-0]));
    expect(op.tensor(filled("int32", [1], 0), "w")).not.toBe(weights([0]));
  });
});

describe("load", () => {
  const x = noise([2, 3]);
  const model = modelOf({
    inputs: { x },
    nodes: [node("Relu", ["x"], ["h"]), node("Neg", ["h"], ["y"])],
    outputs: ["y"],
  });

  it("appends two copies side by side", async () => {
    const op = createBuilder();
    const input = op.input("x", "float32", [2, 3]);
    const first = load(op, model, { x: input });
    const second = load(op, model, { x: first["y"]! });
    const results = await runModel(op.model({ first: first["y"]!, second: second["y"]! }), { x });
    const relu = numbersOf(x).map((v) => Math.max(v, 0));
    expect(
      distance(
        results["first"]!,
        float(
          [2, 3],
          relu.map((v) => -v),
        ),
      ),
    ).toBe(0);
    expect(
      distance(
        results["second"]!,
        float(
          [2, 3],
          relu.map(() => 0),
        ),
      ),
    ).toBe(0);
  });

  it("refuses inputs that are absent or do not fit, naming them", () => {
    const op = createBuilder();
    const give = (value?: Parameters<typeof load>[2][string]) => () => load(op, model, value ? { x: value } : {});
    expect(give()).toThrow(/^input "x": is not given; given: none/);
    expect(give(op.input("a", "float32", [2, 4]))).toThrow(/^input "x": is \[2, 3\], cannot be \[2, 4\]/);
    expect(give(op.input("b", "float32", [2]))).toThrow(/cannot be \[2\]/);
    expect(give(op.input("c", "int64", [2, 3]))).toThrow(/^input "x": is float32, cannot be int64/);
  });
});

describe("printGraph", () => {
  it("is one line a node", () => {
    const w = noise([3, 2, 3, 3]);
    const model = modelOf({
      inputs: { x: noise([1, 2, 4, 4]) },
      initializers: { w, k: ints(4, -1) },
      nodes: [
        node("Conv", ["x", "w"], ["c"], { strides: [2, 2], auto_pad: "SAME_UPPER" }),
        node("Clip", ["c", "", "top"], ["d"]),
        {
          ...node("Magic", ["d"], ["e", "f"], { alpha: { type: "float", value: 0.5 }, value: w }),
          domain: "com.example",
        },
        node("Reshape", ["e", "k"], ["y"]),
      ],
      outputs: ["y"],
    });
    const [x] = model.graph.inputs;
    const inputs = [
      { ...x!, shape: ["N", 2, null, 4] },
      { ...x!, name: "top", shape: [] },
    ];
    expect(printGraph({ ...model.graph, inputs })).toBe(
      [
        "graph sketch(x: float32[N, 2, ?, 4], top: float32[]) → y: float32[…]",
        "  w = float32[3, 2, 3, 3]",
        "  k = int64[2] {4, -1}",
        '  c = Conv(x, w) {strides: [2, 2], auto_pad: "SAME_UPPER"}',
        "  d = Clip(c, _, top)",
        "  e, f = com.example.Magic(d) {alpha: 0.5, value: float32[3, 2, 3, 3]}",
        "  y = Reshape(e, k)",
      ].join("\n"),
    );
  });
});
