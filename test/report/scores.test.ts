/** Scores against brute force and closed forms, and intervals against the spread that they stand for. */

import { describe, expect, test } from "vitest";
import { mergeCounts, scoresOf, type ClassCounts } from "../../src/metrics/counts.ts";
import { normal, random } from "../../src/random.ts";
import { drawImages, intervalOf, quantileOf } from "../../src/report/bootstrap.ts";
import { checkRow, readLine, RowError } from "../../src/report/read-row.ts";
import { createReader } from "../../src/report/reader.ts";
import { buildReport, type ReportData } from "../../src/report/report.ts";
import { createStore } from "../../src/report/store.ts";
import { worstCase } from "../../src/report/worst.ts";
import { commonItems } from "../../src/report/store.ts";
import type { Json, Row } from "../../src/evaluation/row.ts";
import { judge } from "../../src/report/gate.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { readPolicy } from "../../src/report/policy.ts";
import { rowOf, study } from "../support/rows.ts";

const NONE = { pixels: 0, reached: 0, elsewhere: 0, kept: 0 };

const storeOf = (rows: Iterable<Row>) => {
  const store = createStore();
  for (const row of rows) store.add(row);
  return store;
};
const reportOf = (rows: Iterable<Row>, options = {}): ReportData =>
  buildReport(storeOf(rows), { replicates: 200, ...options });

const cellOf = ({ cells }: ReportData, network: string, attack: string, epsilon: number | null) =>
  cells.find((cell) => cell.network === network && cell.attack === attack && cell.epsilon === epsilon)!;

const pooled = (rows: readonly Row[], kind: "clean" | "float" | "uint8"): ClassCounts =>
  rows.map(({ counts }) => counts[kind]).reduce(mergeCounts);

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

describe("rows that are wrong", () => {
  const [row] = [...study({ images: 1 })];
  const broken = (change: object) => JSON.stringify({ ...row, ...change });
  test.each([
    ["not JSON", "{", "not JSON"],
    ["another schema", broken({ schema: 1 }), "schema 2 can be read"],
    ["no unit", broken({ unit: 1 }), "`unit` must be an object"],
    [
      "too many true positives",
      broken({
        counts: {
          ...row!.counts,
          float: { truePositive: [9e5, 0, 0, 0], reference: row!.counts.clean.reference, predicted: [0, 0, 0, 0] },
        },
      }),
      "more true positives",
    ],
    [
      "a fraction of a pixel",
      broken({ counts: { ...row!.counts, uint8: { ...row!.counts.uint8, predicted: [0.5, 0, 0, 0] } } }),
      "no number of pixels",
    ],
    [
      "too few classes",
      broken({ counts: { ...row!.counts, uint8: { ...row!.counts.uint8, predicted: [1] } } }),
      "list of 4 numbers",
    ],
    [
      "a radius that is no number",
      broken({ unit: { ...row!.unit, attack: { attack: "ifgsm", epsilon: "x" } } }),
      "`unit.attack.epsilon` must be a number",
    ],
  ])("%s", (_, line, message) => {
    expect(() => checkRow(readLine(line))).toThrow(RowError);
    expect(() => checkRow(readLine(line))).toThrow(message);
  });

  test("of one unit with other counts are refused, whichever comes first", () => {
    const zeros = { ...row!.counts.float, truePositive: [0, 0, 0, 0] };
    const other = { ...row!, counts: { ...row!.counts, float: zeros } };
    for (const pair of [
      [row!, other],
      [other, row!],
    ])
      expect(() => reportOf(pair)).toThrow(/another row of the same unit, .* has other counts/);
  });

  test("are named by their line, in whatever pieces the file comes", () => {
    const text = [...study({ images: 2 })].map((one) => `${JSON.stringify(one)}\n`).join("");
    const bytes = new TextEncoder().encode(text);
    for (const size of [7, 1000, bytes.length]) {
      const reader = createReader();
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      expect(reader.end().counted().rows).toBe(28);
    }
    const reader = createReader();
    reader.push(bytes);
    expect(() => reader.push(new TextEncoder().encode("{}\n"))).toThrow(/^line 29: the row's schema is missing/);
  });
});

describe("parts of pictures", () => {
  const counts = (right: number, all: number): ClassCounts => ({
    truePositive: [right],
    reference: [all],
    predicted: [right],
  });
  const row = (item: string, attack: Json, right: number, all = 100): Row =>
    rowOf({ item, attack, counts: { clean: counts(all, all), float: counts(right, all), uint8: counts(right, all) } });
  const hide = { attack: "pgd", epsilon: 4, targeted: { kind: "hide", classes: ["car"], outside: "free" } };
  const region = (pixels: number, reached: number): Row["region"] => {
    const of = (n: number) => ({ pixels, reached: n, elsewhere: 100 - pixels, kept: 50 });
    return { clean: of(0), float: of(reached), uint8: of(0) };
  };
  const rows = [
    row("one", null, 100),
    row("two", null, 100),
    row("three", null, 100),
    { ...row("one", hide, 40), region: region(20, 15) },
    { ...row("two", hide, 60), region: region(60, 5) },
    { ...row("three", hide, 100), region: { clean: NONE, float: NONE, uint8: NONE } },
    row("one", { attack: "patch", epsilon: 255, side: 0.25, top: 0.5, left: 0.5, scored: "outside" }, 30, 90),
    row("two", { attack: "patch", epsilon: 255, side: 0.25, top: 0.5, left: 0.5, scored: "outside" }, 60, 90),
  ];

  test.each([
    ["as they came", rows],
    ["backwards", rows.toReversed()],
  ])("are pooled by pixels: %s", (_, all) => {
    const report = reportOf(all.map((one) => checkRow(readLine(JSON.stringify(one)))));
    const hidden = cellOf(report, "alpha", "pgd, hide car, the rest free", 4);
    expect(hidden.images).toBe(2);
    expect(hidden.region).toEqual({ reached: 20 / 80, kept: 100 / 120 });
    expect(hidden.pixelAccuracy.value).toBe(0.5);
    expect(report.worst).toEqual([]);
    const patched = cellOf(report, "alpha [outside a patch of 0.25 at 0.5,0.5]", "patch", 255);
    expect(patched.pixelAccuracy.value).toBe(90 / 180);
    expect(patched.clean.pixelAccuracy).toBe(1);
    expect(markdownReport(report)).toContain("| pgd, hide car, the rest free | 4 | 2 | 25.0 | 83.3 |");
    const judged = (min: number) => judge(readPolicy({ rules: [{ metric: "region-resisted", min }] }), report);
    expect(judged(0.75).findings.map(({ passed }) => passed)).toEqual([true]);
    expect(judged(0.76).findings.map(({ passed }) => passed)).toEqual([false]);
  });

  test("are refused where they are no numbers", () => {
    const wrong = { ...rows[3]!, region: { ...rows[3]!.region, float: { ...NONE, kept: -1 } } };
    expect(() => checkRow(readLine(JSON.stringify(wrong)))).toThrow(
      "`region.float.kept` must be a number of at least 0",
    );
  });

  test("of transfer mark a source that has the scored network as no black box", () => {
    const attack = { attack: "pgd", epsilon: 4 };
    const from = (name: string, sources: readonly string[], right: number): Row => {
      const made = row("one", attack, right);
      const source = sources.map((one) => one.padEnd(64, "0")).join("+");
      return { ...made, unit: { ...made.unit, source }, receipt: { ...made.receipt, source: name } };
    };
    const report = reportOf([
      from("both", ["alpha-", "beta-"], 10),
      from("beta", ["beta-"], 40),
      row("one", attack, 5),
    ]);
    expect(markdownReport(report)).toContain("| alpha | <ins>10.0</ins> | **40.0** |");
  });
});
