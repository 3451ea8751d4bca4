/** Every gradient rule, over every case: in float64 against differences, in float32 WASM against the interpreter. */

import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/autodiff/gradient.ts";
import { cases, titleOf } from "../support/cases/all.ts";
import { checkGradient, differentiate, gradientFeeds, TOLERANCE } from "../support/gradient-check.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";
import { numbersOf, type Tensor } from "../../src/tensor.ts";

const differentiable = cases.filter((c) => c.differentiable.length > 0).map((c) => [titleOf(c), c] as const);

describe("⟨v, J·u⟩ = ⟨u, Jᵀ·v⟩ in float64", () => {
  test.each(differentiable)("%s", (_, c) => {
    const checks = checkGradient(c, { seed: 11 });
    expect(checks.length).toBeGreaterThan(0);
    expect(checks.filter(({ error }) => error > TOLERANCE)).toEqual([]);
  });
});

test("the operator of every differentiated case has a rule", () => {
  expect(differentiable.filter(([, c]) => !ruleOf(c.operator)).map(([title]) => title)).toEqual([]);
});

test("no two cases share a title", () => {
  const titles = cases.map(titleOf);
  expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
});

/** ‖a − b‖ ÷ ‖b‖. */
const relativeError = (actual: Tensor, expected: Tensor): number => {
  const [a, b] = [numbersOf(actual), numbersOf(expected)];
  return Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...b);
};

describe("the gradient graph in onnxruntime's float32 agrees with the interpreter", () => {
  test.each(differentiable)("%s", async (_, c) => {
    for (const d of differentiate(c)) {
      const feeds = gradientFeeds(c, d, 11);
      const expected = interpret(d.backward.graph, feeds);
      const actual = await runWasm(d.backward, feeds);
      for (const name of Object.keys(expected)) {
        expect(actual[name]!.shape).toEqual([...expected[name]!.shape]);
        expect(relativeError(actual[name]!, expected[name]!)).toBeLessThanOrEqual(1e-4);
      }
    }
  });
});
