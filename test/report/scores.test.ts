/** Scores against brute force and closed forms. */

import { describe, expect, test } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { mergeCounts, scoresOf } from "../../src/metrics/counts.ts";
import type { ReportData } from "../../src/report/report.ts";
import { commonItems } from "../../src/report/store.ts";
import { worstCase } from "../../src/report/worst.ts";
import { rowOf, study } from "../support/rows.ts";
import { cellOf, pooled, reportOf, storeOf } from "./reports.ts";

describe("scores", () => {
  const rows = [...study({ repeats: 1 })];
  const report = reportOf(rows);
  const own = rows.filter(
    ({ unit }) =>
      unit.networkSha256.startsWith("alpha") &&
      unit.repeat === undefined &&
      JSON.stringify(unit.attack) === JSON.stringify({ attack: "fgsm", epsilon: 2, steps: 3 }),
  );
  const cell = cellOf(report, "alpha", "fgsm", 2);

  test("are those of the pooled counts", () => {
    const [clean, float, uint8] = (["clean", "float", "uint8"] as const).map((kind) => scoresOf(pooled(own, kind)));
    expect(cell.images).toBe(6);
    expect(cell.float.miou).toBeCloseTo(float!.miou!, 12);
    expect(cell.miou.value).toBeCloseTo(float!.miou!, 12);
    expect(cell.uint8.miou).toBeCloseTo(uint8!.miou!, 12);
    expect(cell.iouRatio.value).toBeCloseTo(float!.miou! / clean!.miou!, 12);
    expect(cell.iouRatioUint8).toBeCloseTo(uint8!.miou! / clean!.miou!, 12);
    expect(cell.float.miouUnion).toBeCloseTo(scoresOf(pooled(own, "float"), "union").miou!, 12);
    expect(cell.apsr).toBeCloseTo(1 - float!.pixelAccuracy!, 12);
    const nmiou = own.map(({ counts }) => scoresOf(counts.float).miou!).reduce((a, b) => a + b) / own.length;
    expect(cell.float.nmiou).toBeCloseTo(nmiou, 12);
    for (const [c, { iou }] of cell.classes.entries()) expect(iou.value).toBeCloseTo(float!.iou[c]!, 12);
  });

  test("without the first class leave its pixels out", () => {
    const { truePositive, reference } = pooled(own, "float");
    const [right, all] = [truePositive, reference].map((n) => n.slice(1).reduce((a, b) => a + b));
    expect(cell.float.pixelAccuracyWithoutFirst).toBeCloseTo(right! / all!, 12);
  });

  test("of small objects are of their own counts", () => {
    const of = (kind: "clean" | "float") => scoresOf(own.map(({ small }) => small![kind]).reduce(mergeCounts)).miou!;
    expect(cell.small!.iouRatio).toBeCloseTo(of("float") / of("clean"), 12);
  });

  test("do not depend on the order of the rows, nor on rows that come twice", () => {
    const shuffled = reportOf([...rows.toReversed(), ...rows]);
    expect(shuffled.repeatedRows).toBe(rows.length);
    const sorted = ({ cells }: ReportData) => cells.map((one) => JSON.stringify(one)).toSorted();
    expect(sorted(shuffled)).toEqual(sorted(report));
  });

  test("of repeats are a range beside the score", () => {
    const repeated = rows.filter(
      ({ unit }) =>
        unit.networkSha256.startsWith("alpha") &&
        unit.repeat === 1 &&
        JSON.stringify(unit.attack) === JSON.stringify({ attack: "fgsm", epsilon: 2, steps: 3 }),
    );
    const ratio = (some: readonly Row[]) =>
      scoresOf(pooled(some, "float")).miou! / scoresOf(pooled(some, "clean")).miou!;
    const both = [ratio(own), ratio(repeated)];
    expect(cell.chaos).toEqual({
      repeats: 1,
      low: expect.closeTo(Math.min(...both), 12),
      high: expect.closeTo(Math.max(...both), 12),
    });
  });
});

describe("the worst case", () => {
  test("of few images and attacks is that of all choices, where the descent finds it, and never above a single attack", () => {
    for (let seed = 0; seed < 20; seed++) {
      const rows = [
        ...study({ images: 4, networks: ["a".repeat(seed + 1)], attacks: ["p", "q", "r"], epsilons: [2] }),
      ].filter(({ unit }) => unit.attack !== null);
      const store = storeOf(rows);
      const groups = [...store.groups.values()];
      const items = commonItems(store, groups);
      const { miou, accuracy } = worstCase(groups, items)!;
      const choices = Array.from({ length: 3 ** 4 }, (_, code) =>
        [0, 1, 2, 3].map((i) => Math.floor(code / 3 ** i) % 3),
      );
      const rowsOf = (choice: readonly number[]) => choice.map((k, i) => rows[3 * i + k]!);
      const least = Math.min(...choices.map((choice) => scoresOf(pooled(rowsOf(choice), "float")).miou!));
      const single = Math.min(...[0, 1, 2].map((k) => scoresOf(pooled(rowsOf([k, k, k, k]), "float")).miou!));
      expect(miou).toBeGreaterThanOrEqual(least - 1e-12);
      expect(miou).toBeLessThanOrEqual(single + 1e-12);
      expect(miou - least).toBeLessThan(0.02);
      const accuracies = [0, 1, 2, 3].map((i) =>
        Math.min(...[0, 1, 2].map((k) => scoresOf(rows[3 * i + k]!.counts.float).pixelAccuracy!)),
      );
      expect(accuracy).toBeCloseTo(accuracies.reduce((a, b) => a + b) / 4, 12);
    }
  });
});

describe("minimum norm", () => {
  test("medians take failures as infinite", () => {
    const counts = { truePositive: [5], reference: [10], predicted: [5] };
    const all = { clean: counts, float: counts, uint8: counts };
    const attack = { attack: "fmn", norm: "linf" };
    const rows = [1, 2, 3, 4, 5].map((linf, i) =>
      rowOf({ item: `${i}`, attack, counts: all, linf, l2: 100 * linf, success: i < 3 }),
    );
    const { distances } = cellOf(reportOf(rows), "alpha", "fmn", null);
    expect(distances).toMatchObject({ norm: "linf", successes: 3, images: 5 });
    expect(distances!.quantiles).toMatchObject({ q25: 2, median: 3, q75: null });
  });
});
