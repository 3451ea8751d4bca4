/** Reports on rows that are at hand. */

import type { Row } from "../../src/evaluation/row.ts";
import { mergeCounts, type ClassCounts } from "../../src/metrics/counts.ts";
import { buildReport, type ReportData, type ReportOptions } from "../../src/report/report.ts";
import { createStore } from "../../src/report/store.ts";

export const storeOf = (rows: Iterable<Row>) => {
  const store = createStore();
  for (const row of rows) store.add(row);
  return store;
};
export const reportOf = (rows: Iterable<Row>, options: ReportOptions = {}): ReportData =>
  buildReport(storeOf(rows), { replicates: 200, ...options });

export const cellOf = ({ cells }: ReportData, network: string, attack: string, epsilon: number | null) =>
  cells.find((cell) => cell.network === network && cell.attack === attack && cell.epsilon === epsilon)!;

export const pooled = (rows: readonly Row[], kind: "clean" | "float" | "uint8"): ClassCounts =>
  rows.map(({ counts }) => counts[kind]).reduce(mergeCounts);
