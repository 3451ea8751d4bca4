/** The ball holds for the float32 values themselves, not only up to rounding. */

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { project, type PixelRange } from "../../src/attacks/constraint.ts";
import { linf } from "../../src/attacks/norms.ts";
import { signStep } from "../../src/attacks/rules/sign.ts";
import { imageOf, linear } from "./objectives.ts";
import { fgsm, ifgsm } from "./named.ts";

const greys = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.float({ min: 0, max: 255, noNaN: true }));
const numbers = fc.oneof(greys, fc.float({ noNaN: true, noDefaultInfinity: true }));
const radii = fc.oneof(fc.constantFrom(0.1, 0.7, 1e-6, 8), fc.double({ min: 1e-9, max: 300, noNaN: true }));
const ranges = fc.constantFrom<PixelRange>([0, 255], null);

const next = (v: number, steps: number): number => {
  const value = Float32Array.of(v);
  new Int32Array(value.buffer)[0]! += steps;
  return value[0]!;
};

it("|x − centre| ≤ ε exactly, and no float32 further out would do", () => {
  fc.assert(
    fc.property(greys, numbers, radii, ranges, (c, v, epsilon, pixelRange) => {
      const centre = Math.fround(c);
      const x = project(Float32Array.of(v), Float32Array.of(centre), { epsilon, pixelRange })[0]!;
      expect(Math.abs(x - centre)).toBeLessThanOrEqual(epsilon);
      const [low, high] = pixelRange ?? [-Infinity, Infinity];
      expect(x >= low && x <= high).toBe(true);
      const wanted = Math.min(Math.max(Math.fround(v), low), high);
      if (x === wanted || x === 0) return;
      const outwards = next(x, wanted > x === x > 0 ? 1 : -1);
      expect(Math.abs(outwards - centre)).toBeGreaterThan(epsilon);
    }),
    { numRuns: 3000 },
  );
});

it("projection leaves what it gave as it is, to the bit, in both norms", () => {
  const norms = fc.constantFrom("linf" as const, "l2" as const);
  fc.assert(
    fc.property(greys, greys, numbers, radii, ranges, norms, (c, d, v, epsilon, pixelRange, norm) => {
      const constraint = { epsilon, pixelRange, norm };
      const centre = Float32Array.of(c, d);
      const x = project(Float32Array.of(v, d), centre, constraint);
      expect(project(x, centre, constraint)).toEqual(x);
    }),
    { numRuns: 3000 },
  );
});

it.each([
  ["an inner point", [3, -2], {}, true],
  ["the border", [4, -4], {}, true],
  ["a point above", [4.5, 0], {}, false],
  ["a point below", [0, -4.5], {}, false],
  ["a point of the cube outside the ball of L2", [4, 4], { norm: "l2" as const }, false],
  ["a point of the ball of L2", [2, 3], { norm: "l2" as const }, true],
  ["a point beyond the range", [3, 0], { pixelRange: [0, 2] as const }, false],
  ["a point before the range", [0, -1], { pixelRange: [0, 2] as const }, false],
])("%s: %j, around 0 with ε = 4 and %j, is left as it is: %j", (_, x, more, expected) => {
  const constraint = { epsilon: 4, pixelRange: null, ...more };
  const projected = project(Float32Array.from(x), new Float32Array(2), constraint);
  expect(projected.every((v, i) => v === x[i])).toBe(expected);
});

it("at 200 and ε = 0.1, where 200.1 rounds outwards, both attacks end inside", async () => {
  const ball = { epsilon: 0.1, pixelRange: null };
  expect(Math.fround(200.1) - 200).toBeGreaterThan(0.1);
  for (const attack of [fgsm(ball), ifgsm(ball)]) {
    const { data } = await attack(linear([1, -1, 0]), imageOf([200, 200, 200]));
    expect([...data]).toEqual([next(Math.fround(200.1), -1), next(Math.fround(199.9), 1), 200]);
  }
});

it("a step along the sign moves nothing where the gradient is 0, and is no number where it is none", () => {
  const [gradient, x] = [Float32Array.of(2, -1e-45, 0, -0, NaN, Infinity), new Float32Array(6).fill(9)];
  const constraint = { epsilon: 8, pixelRange: null };
  expect([...signStep(gradient, 2, x, x, constraint, gradient)]).toEqual([11, 7, 9, 9, NaN, 11]);
});

it("L∞ of values is the largest absolute one, and NaN wherever one of them is NaN", () => {
  expect([linf([]), linf([1, -3, 2])]).toEqual([0, 3]);
  for (const values of [[Number.NaN], [Number.NaN, 1], [1, Number.NaN], [1, Number.NaN, 2]])
    expect(linf(values)).toBeNaN();
});
