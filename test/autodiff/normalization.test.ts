/** Normalisations where onnxruntime has no kernel, or a formula divides by zero. */

import { describe, expect, test } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { node, x } from "../support/cases/case.ts";
import { checkGradient, TOLERANCE } from "../support/gradient-check.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";

describe("LRN where onnxruntime has no kernel: ⟨v, J·u⟩ = ⟨u, Jᵀ·v⟩ in float64", () => {
  test.each([
    ["an even size", [2, 6, 2, 2], 4],
    ["the smallest even size", [1, 3, 2, 2], 2],
    ["no spatial axes", [2, 5], 3],
    ["one spatial axis", [2, 5, 3], 3],
    ["three spatial axes", [1, 4, 2, 1, 3], 2],
  ] as const)("%s", (name, shape, size) => {
    const checks = checkGradient(node("LRN", name, [x(shape)], { size, alpha: 0.8, beta: 0.7 }), { seed: 3 });
    expect(checks).toHaveLength(1);
    expect(checks.filter(({ error }) => error > TOLERANCE)).toEqual([]);
  });
});

/** The gradient of Σ w·f at x, from the interpreter and from onnxruntime. */
const gradientAt = async (values: readonly number[], f: (op: Builder, v: Value) => Value): Promise<number[][]> => {
  const op = createBuilder();
  const v = op.input("x", "float32", [1, 1, 1, values.length]);
  const y = f(op, v);
  const seed = op.tensor(
    tensorOf(
      "float32",
      y.shape,
      values.map((_, i) => i + 1),
    ),
  );
  const [dx] = gradient(op, y, [v], seed);
  const model = op.model({ dx: dx! });
  const feeds = { x: tensorOf("float32", v.shape, values) };
  return [interpret(model.graph, feeds)["dx"]!, (await runWasm(model, feeds))["dx"]!].map(numbersOf);
};

describe("on a constant the gradient is finite", () => {
  test.each([1, 2])("LpNormalization of zeros, p %i: 0", async (p) => {
    for (const dx of await gradientAt([0, 0, 0], (op, v) => op.LpNormalization(v, { p })))
      expect(dx.map(Math.abs)).toEqual([0, 0, 0]);
  });

  const parameter = (op: Builder, length: number) => op.tensor(tensorOf("float32", [length], Array(length).fill(1)));
  test.each([
    [
      "InstanceNormalization",
      (op: Builder, v: Value) => op.InstanceNormalization(v, parameter(op, 1), parameter(op, 1)),
    ],
    ["LayerNormalization", (op: Builder, v: Value) => op.LayerNormalization(v, parameter(op, 3))],
    ["MeanVarianceNormalization", (op: Builder, v: Value) => op.MeanVarianceNormalization(v)],
  ])("%s: (g − mean g)/√ε", async (operator, f) => {
    const scale = operator === "MeanVarianceNormalization" ? 1e9 : 1 / Math.sqrt(1e-5);
    for (const dx of await gradientAt([0.5, 0.5, 0.5], f))
      for (const [i, v] of dx.entries()) expect(v / scale).toBeCloseTo(i - 1, 4);
  });
});
