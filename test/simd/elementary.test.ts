/** exp, ln and cos of the loops against those of JavaScript, in units of the last place. */

import { describe, expect, it } from "vitest";
import { between, random } from "../../src/random.ts";
import { loops } from "../../src/simd/loops.ts";
import { areas, float64s } from "../../src/simd/memory.ts";

type Table = "exponentials" | "logarithms" | "cosinesOfTurns";

const tableOf = (name: Table, values: readonly number[]): readonly number[] => {
  const [at] = areas(8 * values.length);
  float64s().set(values, at / 8);
  loops()[name](at, values.length);
  return [...float64s().subarray(at / 8, at / 8 + values.length)];
};

/** The distance of neighbouring float64 at a value. */
const unitAt = (value: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -1022) - 52);

/** The largest difference in units of the last place. */
const worst = (name: Table, values: readonly number[], definition: (x: number) => number): number =>
  Math.max(
    ...tableOf(name, values).map((value, i) => {
      const expected = definition(values[i]!);
      return value === expected ? 0 : Math.abs(value - expected) / unitAt(expected);
    }),
  );

const spread = (count: number, seed: number, low: number, high: number): number[] => {
  const next = random(seed);
  return Array.from({ length: count }, () => between(next, low, high));
};

/** Numbers of every size. */
const sizes = (count: number, seed: number, low: number, high: number): number[] =>
  spread(count, seed, low, high).map((e) => 2 ** e);

describe("exp", () => {
  it.each([
    ["small", spread(20_000, 1, -1, 1)],
    ["of softmaxes and of tanh", spread(20_000, 2, -50, 0)],
    ["all", spread(20_000, 3, -708, 709)],
    ["next to 0", [...sizes(1000, 4, -1000, -1), ...sizes(1000, 5, -1000, -1).map((x) => -x)]],
    ["halfway between powers of 2", Array.from({ length: 2001 }, (_, k) => (k - 1000.5) * Math.LN2 * 0.7)],
    ["the ends", [0, -0, 1, -1, -708, 709]],
  ])("differs by at most one unit: %s", (_, values) => {
    expect(worst("exponentials", values, Math.exp)).toBeLessThanOrEqual(1);
  });

  it("is 0 below −708, infinite above 709, and no number where its argument is none", () => {
    expect(tableOf("exponentials", [-708.5, -1e300, -Infinity, 709.5, Infinity, NaN])).toEqual([
      0,
      0,
      0,
      Infinity,
      Infinity,
      NaN,
    ]);
  });
});

describe("ln", () => {
  it.each([
    ["of uniform numbers", spread(20_000, 1, 2 ** -32, 1)],
    ["about 1", [...spread(20_000, 2, 0.7, 1.5), ...sizes(1000, 3, -52, -1).flatMap((d) => [1 - d, 1 + d])]],
    ["of all normal numbers", sizes(20_000, 4, -1022, 1023)],
    ["the ends", [2 ** -1022, 2 ** -32, 1, 2, Math.SQRT2, Math.SQRT1_2, 1.7e308]],
  ])("differs by at most one unit: %s", (_, values) => {
    expect(worst("logarithms", values, Math.log)).toBeLessThanOrEqual(1);
  });
});

/** cos 2πu, whose argument is reduced before it is rounded. */
const cosineOfTurns = (u: number): number => {
  const q = Math.round(4 * u);
  const x = 2 * Math.PI * (u - q / 4);
  return [Math.cos, (v: number) => -Math.sin(v), (v: number) => -Math.cos(v), Math.sin][q % 4]!(x);
};

describe("cos 2πu", () => {
  it.each([
    ["uniform", spread(20_000, 1, 0, 1)],
    ["next to the quadrants", [0.25, 0.5, 0.75, 1].flatMap((q) => sizes(500, 2, -32, -2).map((d) => q - d))],
    ["eighths", [0, 1, 2, 3, 4, 5, 6, 7].map((k) => k / 8)],
  ])("differs by at most one unit: %s", (_, values) => {
    expect(worst("cosinesOfTurns", values, cosineOfTurns)).toBeLessThanOrEqual(1);
    for (const [i, value] of tableOf("cosinesOfTurns", values).entries())
      expect(value).toBeCloseTo(Math.cos(2 * Math.PI * values[i]!), 14);
  });
});
