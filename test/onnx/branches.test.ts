/** If: where the sizes decide the condition its branch is taken; where the data do it is refused. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError, type Attribute, type Graph, type Model, type Node } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { distance, float, ints, modelOf, node, noise, runModel, type Sketch } from "./support.ts";

const branch = (
  nodes: readonly Node[],
  output: string,
  initializers: Readonly<Record<string, Tensor>> = {},
): Graph => ({
  name: output,
  inputs: [],
  outputs: [{ name: output, dtype: "float32", shape: null, untyped: true }],
  initializers: new Map(Object.entries(initializers)),
  nodes,
});

const choose = (condition: string, output: string, yes: Graph, no: Graph): Node => {
  const attributes: Readonly<Record<string, Attribute>> = {
    then_branch: { type: "graph", value: yes },
    else_branch: { type: "graph", value: no },
  };
  return { ...node("If", [condition], [output]), attributes };
};

/** "is" says whether axis `axis` of x is of size 1. */
const isOne = (axis: number): Node[] => [
  node("Shape", ["x"], [`shape${axis}`], { start: axis, end: axis + 1 }),
  node("Equal", [`shape${axis}`, "one"], [`equal${axis}`]),
  node("Squeeze", [`equal${axis}`, "first"], [`is${axis}`]),
];

const initializers = { one: ints(1), first: ints(0), scale: float([], [0.5]) };

/** A model whose inputs have open sizes, as those of files with an If do. */
const opened = (sketch: Sketch): Model => {
  const model = modelOf(sketch);
  const inputs = model.graph.inputs.map((v) => ({ ...v, shape: v.shape!.map((_, i) => `d${i}`) }));
  return { ...model, graph: { ...model.graph, inputs } };
};

/** As exporters write `x.squeeze(1)` of an open axis: x without its axis 1, else e^x; then σ of it, scaled by a value around the branch. */
const squeezing = (): Model =>
  opened({
    inputs: { x: noise([2, 4, 3]) },
    initializers,
    nodes: [
      ...isOne(1),
      choose(
        "is1",
        "chosen",
        branch([node("Squeeze", ["x", "axis"], ["inner"]), node("Sin", ["inner"], ["z"])], "z", { axis: ints(1) }),
        branch([node("Exp", ["x"], ["inner"]), node("Mul", ["inner", "scale"], ["z"])], "z"),
      ),
      node("Sigmoid", ["chosen"], ["y"]),
    ],
    outputs: ["y"],
  });

const loaded = (model: Model, shape: readonly number[]) => {
  const op = createBuilder();
  const x = op.input("x", "float32", shape);
  const y = load(op, model, { x })["y"]!;
  return { op, x, y };
};

const operators = (model: Model, shape: readonly number[]): string[] => {
  const { op, y } = loaded(model, shape);
  return op.graph({ y }).nodes.flatMap((n) => (n.op === "Identity" ? [] : [n.op]));
};

describe("an If that the sizes decide", () => {
  it.each([
    [
      [2, 1, 3],
      ["Squeeze", "Sin", "Sigmoid"],
    ],
    [
      [2, 4, 3],
      ["Exp", "Mul", "Sigmoid"],
    ],
  ])("at %j is its branch, with onnxruntime's values and the gradient of that branch", async (shape, ops) => {
    const model = squeezing();
    const x = noise(shape, 5);
    expect(operators(model, shape)).toEqual(ops);
    const { op, x: input, y } = loaded(model, shape);
    const [dx] = gradient(op, y, [input]);
    const { y: expected } = await runModel(model, { x });
    const { y: own } = await runModel(op.model({ y }), { x });
    expect(distance(own!, expected!)).toBeLessThan(1e-6);
    const wide = tensorOf("float64", shape, numbersOf(x));
    const out = interpret(op.graph({ dx: dx! }), { x: wide })["dx"]!;
    // d σ(f(x)) = σ(f)(1 − σ(f))·f′(x), with f = sin or f = ½·e^x.
    const derivative = numbersOf(x).map((v) => {
      const [f, slope] = shape[1] === 1 ? [Math.sin(v), Math.cos(v)] : [0.5 * Math.exp(v), 0.5 * Math.exp(v)];
      const s = 1 / (1 + Math.exp(-f));
      return s * (1 - s) * slope;
    });
    expect(Math.max(...numbersOf(out).map((v, i) => Math.abs(v - derivative[i]!)))).toBeLessThan(1e-12);
  });

  it("may lie within another, and reads what is around both", async () => {
    const same = (name: string) => branch([node("Identity", ["x"], [name])], name);
    const inner = choose("is1", "within", same("z"), branch([node("Neg", ["scaled"], ["z"])], "z"));
    const model = opened({
      inputs: { x: noise([2, 4]) },
      initializers,
      nodes: [
        ...isOne(0),
        ...isOne(1),
        choose("is0", "y", same("x0"), branch([node("Mul", ["x", "scale"], ["scaled"]), inner], "within")),
      ],
      outputs: ["y"],
    });
    const x = noise([2, 4], 3);
    expect(operators(model, [2, 4])).toEqual(["Mul", "Neg"]);
    const { op, y } = loaded(model, [2, 4]);
    expect(distance((await runModel(op.model({ y }), { x }))["y"]!, (await runModel(model, { x }))["y"]!)).toBe(0);
    expect(operators(model, [1, 4])).toEqual([]);
  });
});

describe("an If that is refused", () => {
  const refusal = (nodes: readonly Node[], outputs = ["y"]) => {
    const model = modelOf({ inputs: { x: noise([2, 3]) }, initializers, nodes, outputs });
    return () => loaded(model, [2, 3]);
  };
  const same = branch([], "x");

  it("because the data decide it", () => {
    const fails = refusal([
      node("ReduceMax", ["x"], ["top"], { keepdims: 0 }),
      node("Greater", ["top", "scale"], ["is"]),
      choose("is", "y", same, same),
    ]);
    expect(fails).toThrow(OnnxError);
    expect(fails).toThrow(
      /operator If is not supported: its condition depends on the data; one that the sizes alone decide is resolved/,
    );
  });

  it.each([
    ["a condition that is no bool", [choose("one", "y", same, same)], /condition is 1 of int64, not one bool/],
    [
      "a branch with other outputs than the node",
      [...isOne(1), { ...choose("is1", "y", same, same), outputs: ["y", "z"] }],
      /else_branch has 0 inputs and 1 outputs, not 0 and 2/,
    ],
    ["no branch", [...isOne(1), { ...node("If", ["is1"], ["y"]) }], /has no graph else_branch/],
  ] as const)("because it has %s", (_, nodes, message) => {
    expect(refusal(nodes)).toThrow(message);
  });
});
