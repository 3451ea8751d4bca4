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
  const summary = createSummary(0);
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
