/** The table that `evaluate` prints: a white-box ratio that another attack proves to be no bound stands beside that attack's. */

import { expect, it } from "vitest";
import { createSummary } from "../../src/cli/evaluate-summary.ts";
import { buildReport } from "../../src/report/report.ts";
import { createStore } from "../../src/report/store.ts";
import { scoreText } from "../../src/cli/text.ts";
import { study } from "../support/rows.ts";

const rowsWith = (square: number) => [
  ...study({
    networks: ["alpha"],
    attacks: ["pgd", "square"],
    epsilons: [4],
    accuracy: (_, attack) => (attack === "square" ? square : 0.6),
  }),
];
const textOf = (rows: ReturnType<typeof rowsWith>): readonly string[] => {
  const summary = createSummary();
  for (const row of rows) summary.add(row);
  return summary.text().split("\n");
};

it("names what does better, and has no column for it where nothing does", () => {
  const rows = rowsWith(0.2);
  const store = createStore();
  for (const row of rows) store.add(row);
  const { cells } = buildReport(store, { replicates: 20 });
  const ratio = scoreText(cells.find(({ attack }) => attack === "square")!.iouRatio.value);
  const [head, clean, pgd, square] = textOf(rows);
  expect(head).toMatch(/no bound, as$/);
  expect(pgd).toMatch(new RegExp(`square ε=4 leaves ${ratio}$`));
  for (const line of [clean, square]) expect(line).not.toContain("leaves");
  expect(textOf(rowsWith(0.8)).join("\n")).not.toMatch(/no bound|leaves/);
});

it("compares no attacks on different pictures", () => {
  const isSquare = ({ unit }: ReturnType<typeof rowsWith>[number]): boolean =>
    (unit.attack as { attack?: string } | null)?.attack === "square";
  const rows = rowsWith(0.2);
  const last = rows.at(-1)!.unit.item;
  expect(textOf(rows.filter((row) => !isSquare(row) || row.unit.item !== last)).join("\n")).not.toContain("leaves");
});

it("counts the pictures on which an attack showed a sign", () => {
  const rows = rowsWith(0.8).map((row, i) => ({ ...row, ...(i % 2 === 0 ? { signs: ["loss-still-moving"] } : {}) }));
  const text = textOf(rows);
  expect(text[0]).toMatch(/signs$/);
  expect(text[2]).toMatch(/loss-still-moving on 3$/);
});

it("has a line for each seed, named where there are several", () => {
  const attacked = rowsWith(0.8).map((row) => ({ ...row, unit: { ...row.unit, seed: 1 } }));
  const second = rowsWith(0.7)
    .filter(({ unit }) => (unit.attack as { attack?: string } | null)?.attack === "square")
    .map((row) => ({ ...row, unit: { ...row.unit, seed: 2 } }));
  expect(textOf(attacked)[0]).not.toContain("seed");
  const lines = textOf([...attacked, ...second]).map((line) => line.trim().split(/\s{2,}/u));
  expect(lines[0]!.slice(0, 5)).toEqual(["network", "attack", "ε", "seed", "pictures"]);
  expect(lines.slice(2).map((line) => line.slice(1, 5))).toEqual([
    ["pgd", "4", "1", "6"],
    ["square", "4", "1", "6"],
    ["square", "4", "2", "6"],
  ]);
  const alone = textOf(rowsWith(0.7))
    .at(-1)!
    .trim()
    .split(/\s{2,}/u);
  expect(lines.at(-1)!.slice(5)).toEqual(alone.slice(4));
});

it("names the norm of an attack in L2, and compares none across norms", () => {
  const inL2 = rowsWith(0.2).map((row) =>
    row.unit.attack === null
      ? row
      : { ...row, unit: { ...row.unit, attack: { ...(row.unit.attack as object), norm: "l2" } } },
  );
  const [pgd, square] = [rowsWith(0.8), inL2].map((rows, i) =>
    rows.filter(
      ({ unit }) => unit.attack === null || (unit.attack as { attack: string }).attack === ["pgd", "square"][i],
    ),
  );
  const text = textOf([...pgd!, ...square!.filter(({ unit }) => unit.attack !== null)]);
  expect(text[2]).toMatch(/^alpha\s+pgd\s+4/);
  expect(text[3]).toMatch(/^alpha\s+square \(L2\)\s+4/);
  expect(text.join("\n")).not.toContain("leaves");
});
