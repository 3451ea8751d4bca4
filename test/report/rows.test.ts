/** Rows: what is wrong with one is said, and those of a part of a picture are scored on it. */

import { describe, expect, test } from "vitest";
import type { Json, Row } from "../../src/evaluation/row.ts";
import { countsOf, sum, type ClassCounts } from "../../src/metrics/counts.ts";
import { judge } from "../../src/report/gate.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { readPolicy } from "../../src/report/policy.ts";
import { checkRow, readLine, RowError } from "../../src/report/read-row.ts";
import { createReader } from "../../src/report/reader.ts";
import { tensorOf } from "../../src/tensor.ts";
import { rowOf, study } from "../support/rows.ts";
import { cellOf, reportOf } from "./reports.ts";

const NONE = { pixels: 0, reached: 0, elsewhere: 0, kept: 0 };

describe("rows that are wrong", () => {
  const [row] = [...study({ images: 1 })];
  const broken = (change: object) => JSON.stringify({ ...row, ...change });
  const pixels = sum(row!.counts.float.reference);
  /** Adds so many predictions of the last class, which no pixel has. */
  const withPredicted = (more: number): ClassCounts => {
    const { predicted, ...others } = row!.counts.float;
    return { ...others, predicted: [...predicted.slice(0, -1), predicted.at(-1)! + more] };
  };
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
      "more predictions than pixels",
      broken({ counts: { ...row!.counts, float: withPredicted(500) } }),
      `\`counts.float\`: ${pixels + 500} pixels are predicted as a class, and the reference has ${pixels}`,
    ],
    [
      "more predictions than pixels of small objects",
      broken({ small: { ...row!.counts, uint8: withPredicted(1) } }),
      "`small.uint8`",
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

  test("are not those with predictions that are no class, which no class counts", () => {
    const all = tensorOf("uint8", [1, 4], [0, 1, 2, 3]);
    const beyond = countsOf(tensorOf("uint8", [1, 4], [0, 1, 2, 9]), all, 4);
    expect(sum(beyond.predicted)).toBe(3);
    const counts = { clean: countsOf(all, all, 4), float: beyond, uint8: beyond };
    expect(checkRow(readLine(JSON.stringify({ ...row, counts }))).counts.float).toEqual(beyond);
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
