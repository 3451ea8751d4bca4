/** Attacks that differ in their norm or their seed alone are told apart wherever a report names them, and are not ranked across norms. */

import { expect, it } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { exporters } from "../../src/report/exports.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { surrounded } from "../../src/report/surroundings.ts";
import { study } from "../support/rows.ts";
import { reportOf } from "./reports.ts";

interface Run {
  readonly norm?: "l2";
  readonly seed?: number;
  readonly accuracy?: number;
}

/** Rows of PGD, without the clean ones. */
const pgd = ({ norm, seed = 1, accuracy = 0.5 }: Run): Row[] =>
  [...study({ attacks: ["pgd"], epsilons: [4], accuracy: () => accuracy })]
    .filter(({ unit }) => unit.attack !== null)
    .map((row) => ({
      ...row,
      unit: { ...row.unit, seed, attack: { ...(row.unit.attack as object), ...(norm ? { norm } : {}) } },
    }));

const clean = (): Row[] => [...study({ attacks: [] })];
const linesOf = (text: string, part: string): readonly string[] =>
  text.split("\n").filter((line) => line.includes(part));

it("names neither where all attacks are in L∞ and of one seed", () => {
  const text = markdownReport(reportOf([...clean(), ...pgd({})]));
  expect(text).not.toMatch(/\(L2\)|, seed/);
  expect(text).toMatch(/alpha keeps .* under pgd at ε = 4, the only attack measured \(6 images\)/);
});

it("names the norm, has a verdict and a chart for each, and a key of its own", () => {
  const report = reportOf([...clean(), ...pgd({ accuracy: 0.6 }), ...pgd({ norm: "l2", accuracy: 0.3 })]);
  const text = markdownReport(report);
  expect(linesOf(text, "alpha keeps")).toEqual([
    expect.stringMatching(/under pgd at ε = 4, the only attack measured in L∞/),
    expect.stringMatching(/under pgd \(L2\) at ε = 4, the only attack measured in L2/),
  ]);
  expect(text).toMatch(/\| alpha \| pgd \| 4 \|/);
  expect(text).toMatch(/\| alpha \| pgd \(L2\) \| 4 \|/);
  expect(text).toMatch(/against.*\n.*\n.*pgd at ε = 4.*\n.*pgd \(L2\) at ε = 4/);
  expect(chartsOf(report).map(({ title }) => title)).toEqual([
    "IoU ratio against ε under pgd, with 95 % bands",
    "IoU ratio against ε under pgd (L2), with 95 % bands",
    "Clean mIoU against mIoU under the strongest attack in L∞ at each ε",
    "Clean mIoU against mIoU under the strongest attack in L2 at each ε",
  ]);
  const pointsOf = ({ spec }: ReturnType<typeof chartsOf>[number]): string[] =>
    (spec["data"] as { values: { network: string; attack: string }[] }).values.map((v) => `${v.network} ${v.attack}`);
  expect(chartsOf(report).slice(2).map(pointsOf)).toEqual([
    ["alpha pgd", "beta pgd"],
    ["alpha pgd (L2)", "beta pgd (L2)"],
  ]);
  const keys = exporters
    .scalars(report)
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { key: string }).key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toContain("alpha/pgd-l2/eps-4/iou_ratio");
});

it("keeps the plain name of an attack, by which policies find it", () => {
  const { cells } = reportOf([...clean(), ...pgd({ norm: "l2" }), ...pgd({ norm: "l2", seed: 2 })]);
  const attacked = cells.filter(({ network, attack }) => network === "alpha" && attack === "pgd");
  expect(attacked.map(({ label, norm }) => [label, norm])).toEqual([
    ["pgd (L2), seed 1", "l2"],
    ["pgd (L2), seed 2", "l2"],
  ]);
});

it("names each seed where there are several, and counts their attack once", () => {
  const rows = [...clean(), ...pgd({ seed: 2, accuracy: 0.3 }), ...pgd({ seed: 1 })];
  const report = reportOf(rows);
  const text = markdownReport(report);
  expect(linesOf(text, "| alpha | pgd").slice(0, 2)).toEqual([
    expect.stringContaining("| pgd, seed 1 | 4 |"),
    expect.stringContaining("| pgd, seed 2 | 4 |"),
  ]);
  expect(linesOf(text, "alpha keeps")).toEqual([
    expect.stringMatching(/under pgd, seed 2 at ε = 4, the only attack measured \(/),
  ]);
  expect(report.worst.map(({ attacks }) => attacks)).toEqual([1, 1]);
  expect(markdownReport(reportOf(rows.toReversed()))).toContain(linesOf(text, "alpha keeps")[0]);
});

it("takes no images made for one norm as a worst case in the other", () => {
  const transferred = pgd({ norm: "l2", accuracy: 0.05 }).map((row) => ({
    ...row,
    unit: { ...row.unit, source: "f".repeat(64) },
    receipt: { ...row.receipt, source: "gamma" },
  }));
  const own = [...clean(), ...pgd({ seed: 1, accuracy: 0.6 }), ...pgd({ seed: 2, accuracy: 0.6 })];
  const inL2 = [...pgd({ norm: "l2", accuracy: 0.6 }), ...pgd({ norm: "l2", seed: 2, accuracy: 0.6 })];
  const { worst } = reportOf([...own, ...inL2, ...transferred]);
  expect(worst.map(({ norm, better }) => [norm, better?.source ?? null])).toEqual([
    ["linf", null],
    ["l2", "gamma"],
    ["linf", null],
    ["l2", "gamma"],
  ]);
});

it("sets a network with its surroundings beside the network alone in the same norm and, where it ran, with the same seed", () => {
  const alone = [
    ...pgd({ norm: "l2", accuracy: 0.2 }),
    ...pgd({ seed: 1, accuracy: 0.6 }),
    ...pgd({ seed: 2, accuracy: 0.4 }),
  ];
  const transformed = [...pgd({ norm: "l2" }), ...[1, 2, 3].flatMap((seed) => pgd({ seed }))].map((row) => ({
    ...row,
    unit: { ...row.unit, around: { transform: [{ name: "blur" }] } },
  }));
  const found = surrounded(reportOf([...clean(), ...alone, ...transformed]), "transformations");
  expect(
    found.filter(({ cell }) => cell.model === "alpha").map((one) => [one.cell.label, one.alone!.norm, one.alone!.seed]),
  ).toEqual([
    ["pgd, seed 1", "linf", 1],
    ["pgd, seed 2", "linf", 2],
    ["pgd, seed 3", "linf", expect.any(Number)],
    ["pgd (L2)", "l2", 1],
  ]);
});
