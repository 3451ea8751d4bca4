/** Intervals against the spread that they stand for, and the verdicts that rest on them. */

import { describe, expect, test } from "vitest";
import { scoresOf } from "../../src/metrics/counts.ts";
import { normal, random } from "../../src/random.ts";
import { drawImages, intervalOf, quantileOf } from "../../src/report/bootstrap.ts";
import { rowOf, study } from "../support/rows.ts";
import { cellOf, pooled, reportOf } from "./reports.ts";

describe("the bootstrap", () => {
  test("draws with replacement, each draw of as many images", () => {
    const { weights } = drawImages(50, 400, 3);
    for (const times of weights) expect(times.reduce((a, b) => a + b)).toBe(50);
    const zero = weights.map((times) => times.filter((n) => n === 0).length / 50).reduce((a, b) => a + b) / 400;
    // The share that is not drawn is (1 − 1/n)^n.
    expect(zero).toBeCloseTo((1 - 1 / 50) ** 50, 2);
  });

  test("quantiles are type 7", () => {
    expect(quantileOf([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantileOf([0, 10], 0.25)).toBe(2.5);
    expect(quantileOf([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0.75)).toBe(Number.POSITIVE_INFINITY);
    expect(intervalOf(Float64Array.of(Number.NaN))).toBeNull();
  });

  test("an interval of accuracies is that of brute force over the same draws", () => {
    const rows = [...study({ networks: ["alpha"], attacks: ["fgsm"], epsilons: [2] })];
    const own = rows.filter(({ unit }) => unit.attack !== null);
    const { weights } = drawImages(own.length, 200, 0);
    const ratios = weights.map((times) => {
      const some = own.flatMap((row, i) => Array.from({ length: times[i]! }, () => row));
      return scoresOf(pooled(some, "float")).miou! / scoresOf(pooled(some, "clean")).miou!;
    });
    const { low, high } = intervalOf(Float64Array.from(ratios))!;
    const cell = cellOf(reportOf(rows), "alpha", "fgsm", 2);
    expect(cell.iouRatio.interval!.low).toBeCloseTo(low, 12);
    expect(cell.iouRatio.interval!.high).toBeCloseTo(high, 12);
    const each = own.map(({ counts }) => scoresOf(counts.float).miou!);
    const means = weights.map((times) => each.reduce((total, miou, i) => total + times[i]! * miou, 0) / own.length);
    const expected = intervalOf(Float64Array.from(means))!;
    expect(cell.nmiou.interval!.low).toBeCloseTo(expected.low, 12);
    expect(cell.nmiou.interval!.high).toBeCloseTo(expected.high, 12);
  });

  test("95 % intervals hold the true accuracy in about 95 of 100 sets of 40 images", () => {
    const next = random(11);
    const truth = 0.6;
    let held = 0;
    const sets = 300;
    for (let s = 0; s < sets; s++) {
      const rows = Array.from({ length: 40 }, (_, i) => {
        const right = Math.round(1000 * Math.min(1, Math.max(0, truth + 0.08 * normal(next))));
        const reference = [1000];
        const counts = { truePositive: [right], reference, predicted: [right] };
        return rowOf({
          item: `${i}`,
          attack: { attack: "fgsm" },
          counts: { clean: counts, float: counts, uint8: counts },
        });
      });
      const { interval } = cellOf(reportOf(rows, { seed: s }), "alpha", "fgsm", null).pixelAccuracy;
      if (interval!.low <= truth && truth <= interval!.high) held += 1;
    }
    // Three standard errors about .95 are ±.038; percentile intervals of 40 images are a little too narrow.
    expect(held / sets).toBeGreaterThan(0.9);
    expect(held / sets).toBeLessThan(0.985);
  });
});

describe("differences", () => {
  test("of a network that every attack hurts more are a verdict, with its interval", () => {
    const rows = [...study({ images: 30, epsilons: [2], accuracy: (network) => (network === "alpha" ? 0.7 : 0.5) })];
    const { differences } = reportOf(rows);
    expect(differences).toHaveLength(2);
    for (const { verdict, points, interval, images } of differences) {
      expect(verdict).toBe("more fragile");
      expect(images).toBe(30);
      expect(interval!.high).toBeLessThan(0);
      expect(points).toBeGreaterThan(interval!.low);
      expect(points).toBeLessThan(interval!.high);
    }
  });

  test("of equal networks are none", () => {
    const same = [...study({ images: 20, networks: ["alpha"], epsilons: [2] })];
    const renamed = same.map((row) => ({
      ...row,
      unit: { ...row.unit, networkSha256: "b".repeat(64) },
      receipt: { ...row.receipt, model: "beta" },
    }));
    for (const { points, verdict, interval } of reportOf([...same, ...renamed]).differences) {
      expect(points).toBe(0);
      expect(interval).toEqual({ low: 0, high: 0 });
      expect(verdict).toBe("undecided");
    }
  });

  test("within the spread of repeats are never a verdict", () => {
    const rows = [
      ...study({ images: 30, epsilons: [2], repeats: 1, accuracy: (network) => (network === "alpha" ? 0.7 : 0.6) }),
    ];
    const chaotic = rows.map((row) => {
      if (row.unit.repeat === undefined) return row;
      const { clean } = row.counts;
      return { ...row, counts: { clean, float: clean, uint8: clean } };
    });
    expect(reportOf(rows).differences.map(({ verdict }) => verdict)).toEqual(["more fragile", "more fragile"]);
    for (const { verdict, reason } of reportOf(chaotic).differences) {
      expect(verdict).toBe("undecided");
      expect(reason).toContain("repeats alone");
    }
  });
});
