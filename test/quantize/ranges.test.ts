import { describe, expect, it } from "vitest";
import { Histogram } from "../../src/quantize/histogram.ts";
import { leastErrorRange, quantizationError } from "../../src/quantize/ranges.ts";
import { normal, random } from "../../src/random.ts";

const histogramOf = (values: readonly number[]): Histogram => {
  const histogram = new Histogram();
  histogram.add(values);
  return histogram;
};

const draws = (count: number, seed: number, f: (next: () => number) => number): number[] => {
  const next = random(seed);
  return Array.from({ length: count }, () => f(next));
};

const samples: readonly (readonly [string, readonly number[]])[] = [
  ["normal", draws(20_000, 1, normal)],
  ["one-sided", draws(20_000, 2, (next) => Math.max(0, normal(next)))],
  ["heavy-tailed", draws(20_000, 3, (next) => normal(next) / (0.05 + next()))],
  ["an outlier", [...draws(20_000, 4, normal), 300]],
  ["negative", draws(20_000, 5, (next) => -1 - next())],
];

describe("a histogram", () => {
  it("counts each value in the bin that holds it, whatever the order of sizes", () => {
    const values = draws(5000, 6, (next) => normal(next) * 10 ** (4 * next() - 2));
    for (const order of [
      values,
      values.toSorted((a, b) => a - b),
      values.toSorted((a, b) => Math.abs(a) - Math.abs(b)),
    ]) {
      const histogram = histogramOf(order);
      const width = histogram.width;
      expect(histogram.total).toBe(5000);
      expect(histogram.extremes).toEqual({ low: Math.min(...values), high: Math.max(...values) });
      // Bin k covers [k·width, (k + 1)·width).
      const expected = new Map<number, number>();
      for (const v of values) expected.set(Math.floor(v / width), (expected.get(Math.floor(v / width)) ?? 0) + 1);
      const counted = new Map(histogram.bins().map(({ middle, count }) => [Math.floor(middle / width), count]));
      expect(counted).toEqual(expected);
    }
  });

  it("has bins that are small against the extremes", () => {
    for (const [, values] of samples) {
      const { extremes, width } = histogramOf(values);
      expect(width).toBeLessThanOrEqual(Math.max(-extremes.low, extremes.high) / 1024);
    }
  });

  it("refuses what is not finite, and has no extremes when empty", () => {
    expect(() => histogramOf([1, Number.NaN])).toThrow("NaN cannot be counted");
    expect(() => histogramOf([Infinity])).toThrow(RangeError);
    expect(() => new Histogram().extremes).toThrow("no value was added");
  });
});

describe("the range of least squared error", () => {
  it.each(samples)("is never worse than the extremes: %s", (_, values) => {
    const histogram = histogramOf(values);
    const bins = histogram.bins();
    expect(quantizationError(bins, leastErrorRange(histogram))).toBeLessThanOrEqual(
      quantizationError(bins, histogram.extremes),
    );
  });

  it.each(samples)("is within 2 % of what brute force finds: %s", (_, values) => {
    const histogram = histogramOf(values);
    const bins = histogram.bins();
    const { low, high } = histogram.extremes;
    const shares = Array.from({ length: 60 }, (__, i) => (i + 1) / 60);
    // The error on every fourth bin is enough to discard three quarters of the ranges, whose error is far from the least.
    const few = bins.filter((__, i) => i % 4 === 0);
    const candidates = shares.flatMap((a) =>
      (low < 0 && high > 0 ? shares : [1]).map((b) =>
        low < 0 ? { low: a * low, high: b * Math.max(high, 0) } : { low: 0, high: a * high },
      ),
    );
    const promising = candidates
      .map((range) => ({ range, error: quantizationError(few, range) }))
      .toSorted((a, b) => a.error - b.error)
      .slice(0, candidates.length / 4);
    const errors = promising.map(({ range }) => quantizationError(bins, range));
    expect(quantizationError(bins, leastErrorRange(histogram))).toBeLessThanOrEqual(1.02 * Math.min(...errors));
  });

  it("clips where the closed form says: uniform values and one outlier", () => {
    // n values in [0, 1] and one at v: error n·(h/255)²/12 + (v − h)², least at h = v/(1 + n/(12·255²)).
    const n = 12 * 255 ** 2;
    const histogram = histogramOf([...Array.from({ length: n }, (_, i) => (i + 0.5) / n), 4]);
    const { low, high } = leastErrorRange(histogram);
    expect(low).toBe(0);
    expect(high).toBeCloseTo(2, 1);
  });

  it("costs what quantising each value costs", () => {
    const values = draws(2000, 8, normal);
    const error = quantizationError(
      values.map((middle) => ({ middle, count: 1 })),
      { low: -1, high: 1.55 },
    );
    // Levels are the multiples of 0.01 from −1 to 1.55.
    const level = (v: number) => Math.min(1.55, Math.max(-1, Math.round(v * 100) / 100));
    const expected = values.reduce((sum, v) => sum + (v - level(v)) ** 2, 0) / values.length;
    expect(error).toBeCloseTo(expected, 6);
  });
});
