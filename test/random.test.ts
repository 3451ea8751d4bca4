import { describe, expect, it } from "vitest";
import { between, chance, integer, normal, pick, random } from "../src/random.ts";

const draws = (seed: number, count = 20_000) => {
  const next = random(seed);
  return Array.from({ length: count }, next);
};

const correlation = (a: number[], b: number[]) =>
  (12 * a.reduce((sum, v, i) => sum + (v - 0.5) * (b[i]! - 0.5), 0)) / a.length;

const many = <T>(draw: () => T) => Array.from({ length: 5000 }, draw);

describe("random", () => {
  it("repeats itself for the same seed and for no other, negative and beyond 32 bits included", () => {
    expect(draws(7, 50)).toEqual(draws(7, 50));
    const firsts = [0, 1, 2, -1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40].map((seed) => random(seed)());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it("is uniform on [0, 1): chi-squared over 100 bins (99 degrees of freedom, 99.99 % below 161)", () => {
    const bins = new Float64Array(100);
    for (const v of draws(1)) bins[Math.floor(v * 100)]! += 1;
    expect(bins.reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0)).toBeLessThan(161);
  });

  it("has neighbouring seeds and neighbouring draws uncorrelated", () => {
    const [a, b] = [draws(41), draws(42)];
    expect(Math.abs(correlation(a, b))).toBeLessThan(0.03);
    expect(Math.abs(correlation(a, [...a.slice(1), a[0]!]))).toBeLessThan(0.03);
  });

  it.each([0.5, Number.NaN, Infinity, 2 ** 53])("refuses seed %s", (seed) =>
    expect(() => random(seed)).toThrow(RangeError),
  );
});

describe("helpers", () => {
  const next = random(3);

  it("stays between the bounds", () => {
    expect(many(() => between(next, -2, 3)).every((v) => v >= -2 && v < 3)).toBe(true);
    expect(new Set(many(() => integer(next, 1, 4)))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(many(() => pick(next, ["a", "b"])))).toEqual(new Set(["a", "b"]));
    expect(() => pick(next, [])).toThrow(RangeError);
  });

  it("has the stated probability, mean and variance", () => {
    expect(many(() => chance(next, 0.3)).filter(Boolean).length / 5000).toBeCloseTo(0.3, 1);
    const values = many(() => normal(next));
    const mean = values.reduce((a, b) => a + b, 0) / 5000;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 5000).toBeCloseTo(1, 0);
  });
});
