/** White-box figures of a report that another attack proves to be no bound: flagged in every form in which they are given. */

import { describe, expect, it } from "vitest";
import { readPolicy } from "../../src/report/policy.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { exporters } from "../../src/report/exports.ts";
import { judge } from "../../src/report/gate.ts";
import { htmlReport } from "../../src/report/html.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { random } from "../../src/random.ts";
import { buildReport, type Cell, type ReportData } from "../../src/report/report.ts";
import { createStore } from "../../src/report/store.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { rowOf, study } from "../support/rows.ts";

const reportOf = (rows: Iterable<Row>): ReportData => {
  const store = createStore();
  for (const row of rows) store.add(row);
  return buildReport(store, { replicates: 20 });
};

/** What is left of the right pixels under each attack; PGD leaves 0.6. */
const studied = (square: number, more: { readonly images?: number; readonly epsilons?: readonly number[] } = {}) =>
  study({
    networks: ["alpha"],
    attacks: ["pgd", "square"],
    epsilons: [4],
    accuracy: (_, attack) => (attack === "square" ? square : 0.6),
    ...more,
  });

const flagsIn = ({ cells }: ReportData) =>
  cells.flatMap(({ attack, flags }) => flags.map(({ kind, by }) => [attack, kind, by.attack]));

const masked = reportOf(studied(0.2));
const plain = reportOf(studied(0.8));
const cell = (report: ReportData, attack: string) => report.cells.find((one) => one.attack === attack)!;

it("a figure is flagged where queries do more on the same images, and not where they do less", () => {
  expect(flagsIn(masked)).toEqual([["pgd", "gradient-free-stronger", "square"]]);
  expect(cell(masked, "pgd").flags[0]?.by.iouRatio).toBe(cell(masked, "square").iouRatio.value);
  expect(flagsIn(plain)).toEqual([]);
});

it("images that one of the two lacks are left out of the comparison", () => {
  const isSquare = ({ unit }: Row): boolean => (unit.attack as { attack?: string } | null)?.attack === "square";
  // Of six images square has the first two, on which alone it does more; without them in common nothing is said.
  const rows = [...studied(0.2)];
  const first = new Set(rows.slice(0, 2).map(({ unit }) => unit.item));
  const some = rows.filter((row) => !isSquare(row) || first.has(row.unit.item));
  expect(flagsIn(reportOf(some))).toEqual([["pgd", "gradient-free-stronger", "square"]]);
  const apart = rows.filter((row) => isSquare(row) === first.has(row.unit.item));
  expect(flagsIn(reportOf(apart))).toEqual([]);
});

it("a transferred image flags the attack and the worst case, a larger radius that hurts less its figure", () => {
  const rows = [...studied(0.7)];
  const others = [...studied(0.1)].flatMap((row) => {
    const { attack, item } = row.unit;
    if ((attack as { attack?: string } | null)?.attack !== "square") return [];
    return [rowOf({ source: "beta", attack: { attack: "mi-fgsm", epsilon: 4, steps: 3 }, item, counts: row.counts })];
  });
  const report = reportOf([...rows, ...others]);
  expect(flagsIn(report)).toEqual([["pgd", "transfer-stronger", "mi-fgsm"]]);
  expect(report.worst[0]?.better).toMatchObject({ attack: "mi-fgsm", source: "beta" });
  expect(markdownReport(report)).toMatch(/no bound: mi-fgsm made on beta leaves/);
  expect(plain.worst[0]?.better).toBeNull();

  const accuracy = (_: string, __: string, epsilon: number): number => (epsilon === 2 ? 0.3 : 0.6);
  const curve = reportOf(study({ networks: ["alpha"], attacks: ["pgd"], epsilons: [1, 2, 4], accuracy }));
  expect(curve.cells.flatMap(({ epsilon, flags }) => flags.map(({ kind, by }) => [epsilon, kind, by.epsilon]))).toEqual(
    [[4, "larger-epsilon-weaker", 2]],
  );
});

it("attacks towards a label are compared with none", () => {
  const rows = [...studied(0.2)].map((row) => {
    if (row.unit.attack === null) return row;
    const attack = { ...(row.unit.attack as object), target: 1 };
    return { ...row, unit: { ...row.unit, attack } };
  });
  expect(flagsIn(reportOf(rows))).toEqual([]);
});

describe("what flags a figure stands beside it", () => {
  const better = (100 * cell(masked, "square").iouRatio.value!).toFixed(1);
  const note = `no bound: square leaves ${better}`;

  it.each([
    ["JSON", (report: ReportData) => JSON.stringify(report), /gradient-free-stronger/],
    ["Markdown", markdownReport, new RegExp(String.raw`\(${note}\)`)],
    ["HTML", (report: ReportData) => htmlReport(report, []), new RegExp(String.raw`\(${note}\)`)],
    ["a model card", exporters["model-index"], new RegExp(`IoU ratio \\(${note}\\)`)],
    ["scalars", exporters.scalars, /pgd\/eps-4\/iou_ratio_of_better_attack/],
    ["the card of robustness", exporters.card, /gradient-free-stronger/],
    [
      "charts",
      (report: ReportData) =>
        chartsOf(report)
          .map(({ title }) => title)
          .join("\n"),
      new RegExp(note),
    ],
  ])("in %s, and nowhere where nothing does", (_, written, expected) => {
    expect(written(masked)).toMatch(expected);
    expect(written(plain)).not.toMatch(/no bound|gradient-free-stronger|better_attack/);
  });

  it("wherever the report gives the ratio of the flagged attack", () => {
    const { value } = cell(masked, "pgd").iouRatio;
    const ratio = (100 * value!).toFixed(1);
    const lines = markdownReport(masked)
      .split("\n")
      .filter((line) => line.includes("pgd") && line.includes(ratio));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line).toMatch(/no bound|an IoU ratio of/);
  });

  it("in the findings of a gate, whose rule of masking it breaks", () => {
    const judged = (report: ReportData, rule: object) => judge(readPolicy({ rules: [rule] }), report);
    const bound = { metric: "iou-ratio", min: 0.1, attack: "pgd" };
    expect(judged(masked, bound).findings[0]?.message).toContain(note);
    expect(judged(plain, bound).findings[0]?.message).not.toContain("no bound");
    const [finding, ...others] = judged(masked, { masking: "none" }).findings;
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ passed: false, subject: "alpha, pgd ε=4" });
    expect(finding?.message).toContain("queries without a gradient do more");
    expect(judged(plain, { masking: "none" }).passed).toBe(true);
  });

  it("in the findings of a gate on many cells, on the best white-box attack of each network and radius alone", () => {
    const next = random(3);
    const share = new Map<string, number>();
    const drawn = (...at: readonly unknown[]): number => {
      const key = JSON.stringify(at);
      share.set(key, share.get(key) ?? 0.1 + 0.1 * Math.floor(8 * next()));
      return share.get(key)!;
    };
    const report = reportOf(
      study({
        networks: ["alpha", "beta", "gamma"],
        attacks: ["ifgsm", "segpgd", "pgd", "square", "nes"],
        epsilons: [1, 2, 4, 8],
        images: 2,
        accuracy: (network, attack, epsilon) => drawn(network, attack, epsilon),
      }),
    );
    const cells = report.cells.filter(({ attack }) => attack !== "clean");
    const isAboveAll = (own: Cell): boolean => {
      const isWhite = ({ attack }: Cell): boolean => attack !== "square" && attack !== "nes";
      const rivals = cells.filter((one) => one.network === own.network && one.epsilon === own.epsilon);
      const best = rivals.filter(isWhite).toSorted((a, b) => a.iouRatio.value! - b.iouRatio.value!)[0];
      const bySquare = rivals.filter((one) => !isWhite(one)).map((one) => one.iouRatio.value!);
      return own === best && Math.min(...bySquare) < own.iouRatio.value! - 0.02;
    };
    const expected = cells.filter(isAboveAll).map((cell) => `${cell.network}, ${cell.attack} ε=${cell.epsilon}`);
    expect(expected.length).toBeGreaterThan(3);
    expect(expected.length).toBeLessThan(12);
    const { findings } = judge(readPolicy({ rules: [{ masking: "none" }] }), report);
    expect(findings.map(({ subject }) => subject)).toEqual(expected);
  });
});
