/** Networks as they are written for speed: the same function, and gradients that use what the forward pass has. */

import { describe, expect, test } from "vitest";
import { gradient } from "../../../src/autodiff/gradient.ts";
import { lowerForGradient, lowerForward, orderForMemory } from "../../../src/lowering/wasm/rewrites.ts";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import { load, type Lower } from "../../../src/onnx/load.ts";
import { typesOf } from "../../../src/onnx/types.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { modelOf, noise, partsOf, type Case } from "../../onnx/support.ts";
import { interpret } from "../../support/interpreter.ts";
import { runWasm } from "../../support/wasm.ts";

/** One node of a network, loaded with its first input as that of the graph. */
const loaded = (c: Case, lower?: Lower) => {
  const { node, names, feeds, initializers } = partsOf(c);
  const model = modelOf({ inputs: feeds, initializers, nodes: [node], outputs: names });
  const op = createBuilder();
  const x = op.input("x0", feeds["x0"]!.dtype, feeds["x0"]!.shape);
  return { op, x, y: load(op, model, { x0: x }, lower)["y0"]!, feeds };
};

const forward = (c: Case, lower?: Lower): Model => {
  const { op, y } = loaded(c, lower);
  return op.model({ y });
};

const difference = (a: Tensor, b: Tensor): number => {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return Math.max(...left.map((v, i) => Math.abs(v - right[i]!) / (1 + Math.abs(right[i]!))));
};

const wide = Array.from({ length: 401 }, (_, i) => (i - 200) / 2);

describe.each(["Softplus", "Mish"])("%s", (operator) => {
  const single: Case = [operator, [tensorOf("float32", [401], wide)]];
  const double: Case = [operator, [tensorOf("float64", [401], wide)]];

  test("is written without a node of its own", () => {
    expect(forward(single, lowerForward).graph.nodes.map((n) => n.op)).not.toContain(operator);
  });

  test("computes the same over the whole line", async () => {
    const feeds = { x0: tensorOf("float64", [401], wide) };
    const [plain, lowered] = [undefined, lowerForward].map((l) => interpret(forward(double, l).graph, feeds)["y"]!);
    expect(difference(lowered!, plain!)).toBeLessThan(1e-12);
    const measured = await runWasm(forward(single, lowerForward), { x0: tensorOf("float32", [401], wide) });
    expect(difference(measured["y"]!, plain!)).toBeLessThan(1e-6);
  });
});

describe("LayerNormalization", () => {
  const c: Case = ["LayerNormalization", [noise([3, 8]), { constant: noise([8], 2) }, { constant: noise([8], 3) }]];

  const backward = (lower?: Lower): Model => {
    const { op, x, y } = loaded(c, lower);
    const [dx] = gradient(op, op.Mul(y, y), [x]);
    return op.model({ dx: dx! });
  };

  test("gives its mean and deviation to the backward pass", async () => {
    const means = (model: Model) => model.graph.nodes.filter((n) => n.op === "ReduceMean").length;
    const [plain, lowered] = [backward(), backward(lowerForGradient)];
    expect([means(plain), means(lowered)]).toEqual([4, 2]);
    const { feeds } = loaded(c);
    const expected = interpret(plain.graph, feeds)["dx"]!;
    expect(difference((await runWasm(lowered, feeds))["dx"]!, expected)).toBeLessThan(1e-5);
  });
});

describe("orderForMemory writes each node once, in an order that onnxruntime loads, where several of its outputs are results", () => {
  const several: readonly (readonly [string, (op: Builder, x: Value) => readonly Value[]])[] = [
    ["Split", (op, x) => op.append("Split", [x, op.ints([1, 2])], { axis: 1 }, 2)],
    ["TopK", (op, x) => op.append("TopK", [x, op.ints([2])], {}, 2)],
    ["MaxPool", (op, x) => op.append("MaxPool", [x], { kernel_shape: [2, 2] }, 2)],
    ["Dropout", (op, x) => op.append("Dropout", [x], {}, 2)],
    ["LayerNormalization", (op, x) => op.append("LayerNormalization", [x, op.tensor(noise([4]))], {}, 3)],
  ];
  test.each(several)("%s", async (operator, build) => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 3, 4, 4]);
    const results = build(op, op.Relu(x));
    const [gradientOf] = gradient(op, results[0]!, [x]);
    const outputs = { ...Object.fromEntries(results.map((v, i) => [`y${i}`, v])), again: results[0]!, dx: gradientOf! };
    const plain = op.model(outputs);
    const ordered: Model = { ...plain, graph: orderForMemory(plain.graph, typesOf(plain.graph)) };
    const made = ordered.graph.nodes.flatMap((n) => n.outputs.filter((name) => name !== ""));
    expect(made.toSorted()).toEqual([...new Set(made)].toSorted());
    expect(made).toEqual(expect.arrayContaining(plain.graph.nodes.flatMap((n) => n.outputs)));
    expect(ordered.graph.nodes.filter((n) => n.op === operator)).toHaveLength(1);
    const feeds = { x: noise([1, 3, 4, 4]) };
    const [expected, actual] = [await runWasm(plain, feeds), await runWasm(ordered, feeds)];
    for (const name of Object.keys(outputs)) expect(actual[name]!.data).toEqual(expected[name]!.data);
  });
});
