/** Networks as they are written for speed: the same function, and gradients that use what the forward pass has. */

import { describe, expect, test } from "vitest";
import { gradient } from "../../../src/autodiff/gradient.ts";
import { lowerForGradient, lowerForward } from "../../../src/lowering/wasm/rewrites.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import { load, type Lower } from "../../../src/onnx/load.ts";
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
