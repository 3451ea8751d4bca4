/** /v1/report's work: rows in, a report out. No network runs. */

import { FaultlineError } from "../contract/failure.ts";
import { MAX_REPORT_CLASS_SCORES, MAX_REPORT_GROUPS, MAX_REPORT_ROWS } from "../contract/limits.ts";
import type { ReportForm, ReportRequest } from "../contract/report.ts";
import { unitId, type Row } from "../evaluation/row.ts";
import { htmlReport, type DrawnChart } from "../report/html.ts";
import { markdownReport } from "../report/markdown.ts";
import { RowError } from "../report/read-row.ts";
import { createReader } from "../report/reader.ts";
import { buildReport, type ReportData } from "../report/report.ts";
import { createStore, type Store } from "../report/store.ts";
import { yieldToEvents } from "../yield.ts";

/** Draws the charts of a page, where the service can. */
export type DrawCharts = (report: ReportData) => Promise<readonly DrawnChart[]>;

/** Draws of the bootstrap: fewer than of `faultline report`, so that the largest bodies take seconds. */
const REPLICATES = 500;

/** Bytes of rows between two moments in which other events are handled. */
const PIECE = 1 << 20;

const refused = (detail: string): FaultlineError =>
  new FaultlineError({ kind: "invalid-spec", errors: [{ pointer: "", detail }] });

/** More than this would take too long: scores of each group are drawn anew, and networks are compared. */
const requireFew = ({ counted, groups, subjects }: Store): void => {
  const { rows, repeated } = counted();
  if (rows + repeated > MAX_REPORT_ROWS)
    throw refused(`has more than ${MAX_REPORT_ROWS} rows; take fewer images, or run faultline report`);
  const classes = Math.max(0, ...Array.from(subjects.values(), (subject) => subject.classes));
  const most = Math.min(MAX_REPORT_GROUPS, Math.floor(MAX_REPORT_CLASS_SCORES / Math.max(classes, 1)));
  if (groups.size > most)
    throw refused(
      `has more than ${most} pairs of a network and an attack, the most for ${classes} classes; send them in parts`,
    );
};

/** @throws RowError where the id of a row is not the digest of its unit: of another unit, or of one that was changed. */
const requireOwnId = async ({ id, unit }: Row, line: number): Promise<void> => {
  const own = await unitId(unit);
  if (id === own) return;
  const detail = `\`id\` is ${JSON.stringify(id.slice(0, 80))}, and the digest of the row's unit is "${own}"`;
  throw new RowError(`line ${line}: ${detail}: rows are sent as faultline evaluate or /v1/robustness wrote them`);
};

/** @throws FaultlineError `invalid-spec` that names the line at fault. */
const storeOf = async (rows: Uint8Array): Promise<Store> => {
  const store = createStore();
  const fresh: (readonly [row: Row, line: number])[] = [];
  const reader = createReader(store, (...row) => void fresh.push(row));
  const checkIds = async (): Promise<void> => {
    await Promise.all(fresh.splice(0).map(([row, line]) => requireOwnId(row, line)));
  };
  try {
    for (let at = 0; at < rows.length; at += PIECE) {
      reader.push(rows.subarray(at, at + PIECE));
      requireFew(store);
      await checkIds();
      await yieldToEvents();
    }
    reader.end();
    await checkIds();
  } catch (cause) {
    if (cause instanceof RowError) throw new FaultlineError(refused(cause.message).failure, { cause });
    throw cause;
  }
  requireFew(store);
  if (store.groups.size === 0) throw refused("has no rows; each line is a row of faultline evaluate");
  return store;
};

const writers: Readonly<Record<ReportForm, (report: ReportData, draw: DrawCharts) => Promise<string>>> = {
  json: async (report) => `${JSON.stringify(report)}\n`,
  markdown: async (report) => markdownReport(report),
  html: async (report, draw) => htmlReport(report, await draw(report)),
};

/** The report as text, in the form that is asked for. @throws FaultlineError `invalid-spec` for rows that cannot be counted. */
export const reportOn = async ({ rows, form, title, seed }: ReportRequest, draw: DrawCharts): Promise<string> =>
  writers[form](buildReport(await storeOf(rows), { title, seed, replicates: REPLICATES }), draw);
