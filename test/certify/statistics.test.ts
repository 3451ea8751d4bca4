/** Tails, quantiles and the corrections for many tests, against exact values and brute force. */

import { array, assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { upperTails } from "../../src/certify/binomial.ts";
import { fewestRejected, type Correction } from "../../src/certify/multiple-testing.ts";
import { normalQuantile } from "../../src/certify/normal-quantile.ts";

describe("upper tails of the binomial distribution", () => {
  // By exact rational arithmetic, Σ C(n,i) pⁱ (1−p)ⁿ⁻ⁱ.
  it.each([
    [10, 0.75, 10, 0.056313514709472656],
    [100, 0.75, 85, 0.011083267507460144],
    [100, 0.5, 60, 0.028443966820490395],
    [1000, 0.75, 800, 0.00010898019880887953],
    [1000, 0.75, 1000, 1.151498540124827e-125],
    [1000, 0.9, 950, 5.99516763237962e-9],
    [10000, 0.75, 7700, 1.676491174075622e-6],
  ])("of %d trials with p = %d, from %d successes, is %d", (n, p, k, expected) => {
    expect(upperTails(n, p)[k]! / expected).toBeCloseTo(1, 10);
  });

  it("is 1 from no success on, and falls", () => {
    const tails = upperTails(50, 0.6);
    expect(tails[0]).toBeCloseTo(1, 12);
    for (let k = 1; k <= 50; k++) expect(tails[k]!).toBeLessThanOrEqual(tails[k - 1]!);
    expect(tails[50]!).toBeCloseTo(0.6 ** 50, 20);
  });

  it("needs a number of trials and a probability", () => {
    expect(() => upperTails(0, 0.5)).toThrow(RangeError);
    expect(() => upperTails(10, 1)).toThrow(RangeError);
  });
});

describe("the normal quantile", () => {
  // By scipy's norm.ppf, which is another algorithm (Cephes' ndtri).
  it.each([
    [1e-300, -37.0470962993612],
    [1e-10, -6.361340902404056],
    [0.001, -3.090232306167813],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.75, 0.6744897501960817],
    [0.925, 1.4395314709384563],
    [0.975, 1.959963984540054],
    [0.9999, 3.719016485455709],
  ])("of %d is %d", (p, expected) => {
    expect(normalQuantile(p)).toBeCloseTo(expected, 10);
  });

  it("needs a probability", () => {
    for (const p of [0, 1, -1, Number.NaN]) expect(() => normalQuantile(p)).toThrow(RangeError);
  });
});

describe("the correction for many tests", () => {
  /** The definition, test by test. */
  const rejected = (pValues: readonly number[], alpha: number, correction: Correction): boolean[] => {
    const n = pValues.length;
    if (correction === "bonferroni") return pValues.map((p) => p <= alpha / n);
    const result = pValues.map(() => false);
    const order = pValues.map((_, i) => i).toSorted((a, b) => pValues[a]! - pValues[b]!);
    for (const [i, test] of order.entries()) {
      if (pValues[test]! > alpha / (n - i)) break;
      result[test] = true;
    }
    return result;
  };

  const tails = upperTails(20, 0.6);
  const successes = array(integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 });

  it.each(["holm", "bonferroni"] as const)("%s rejects what the definition rejects", (correction) => {
    assert(
      property(successes, constantFrom(0.001, 0.05, 0.3, 0.9), (hits, alpha) => {
        const tests = new Uint32Array(21);
        for (const k of hits) tests[k]! += 1;
        const fewest = fewestRejected(tails, tests, alpha, correction);
        const pValues = hits.map((k) => tails[k]!);
        expect(hits.map((k) => k >= fewest)).toEqual(rejected(pValues, alpha, correction));
      }),
    );
  });

  it("holm rejects more than bonferroni where many are rejected", () => {
    const tests = new Uint32Array(21);
    tests[20] = 99;
    tests[18] = 1;
    expect(fewestRejected(tails, tests, 0.05, "bonferroni")).toBe(20);
    expect(fewestRejected(tails, tests, 0.05, "holm")).toBe(18);
  });
});
