/** The gradient to the logits, by the same rules as any network's: against differences in float64, and in WASM. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { crfRnn, type CrfParameters } from "../../src/crf/parameters.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";
import { largestDifference, normalTensor, pictureOf, refinement, type Refinement } from "./support.ts";

const size = { height: 5, width: 6 };
const shape = [1, 3, 5, 6];

/** ∂⟨cotangent, refined⟩/∂ logits beside the refined logits. */
const differentiated = (logits: Tensor, parameters: CrfParameters): Refinement => {
  const { model, feeds } = refinement(pictureOf(size), logits, parameters, (op, refined, u) => {
    const cotangent = op.input("cotangent", "float32", shape);
    return { refined, gradient: gradient(op, refined, [u], cotangent)[0]! };
  });
  return { model, feeds: { ...feeds, cotangent: normalTensor(shape, 9) } };
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

const cases: readonly (readonly [string, CrfParameters])[] = [
  ["5 iterations", { ...crfRnn, iterations: 5 }],
  ["one iteration", { ...crfRnn, iterations: 1 }],
  ["the lattice alone", { ...crfRnn, iterations: 3, gaussian: { weight: 0, theta: 1 } }],
  [
    "a compatibility matrix",
    {
      ...crfRnn,
      iterations: 2,
      compatibility: [
        [0, 1, 0.5],
        [1, 0, 2],
        [0.2, 1, 0],
      ],
    },
  ],
];

describe("through", () => {
  it.each(cases)("%s it is the derivative: ⟨gradient, v⟩ is the central difference along v", (_, parameters) => {
    const logits = normalTensor(shape, 3);
    const { model, feeds } = differentiated(logits, parameters);
    const g = numbersOf(interpret(model.graph, feeds)["gradient"]!);
    const at = numbersOf(logits);
    for (const seed of [4, 5, 6]) {
      const v = numbersOf(normalTensor(shape, seed));
      const along = (t: number): number => {
        const moved = tensorOf(
          "float64",
          shape,
          at.map((x, i) => x + t * v[i]!),
        );
        const { refined } = interpret(model.graph, { ...feeds, logits: moved });
        return dot(numbersOf(feeds["cotangent"]!), numbersOf(refined!));
      };
      // Richardson's extrapolation: of order h⁴.
      const difference = (h: number) => (along(h) - along(-h)) / (2 * h);
      const expected = (4 * difference(5e-4) - difference(1e-3)) / 3;
      const scale = Math.hypot(...g.map((x, i) => x * v[i]!));
      expect(Math.abs(dot(g, v) - expected)).toBeLessThan(1e-6 * scale);
    }
  });

  it.each(cases)("%s WASM's float32 has the gradient of float64", async (_, parameters) => {
    const { model, feeds } = differentiated(normalTensor(shape, 7), parameters);
    const [expected, actual] = [interpret(model.graph, feeds), await runWasm(model, feeds)];
    const [g, wanted] = [numbersOf(actual["gradient"]!), numbersOf(expected["gradient"]!)];
    expect(largestDifference(g, wanted)).toBeLessThan(1e-4 * Math.max(...wanted.map(Math.abs)));
  });
});
