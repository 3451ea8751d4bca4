/** /v1/report's work: rows in, a report out. No network runs. */

import { invalidSpec } from "../contract/failure.ts";
import {
  MAX_REPORT_CERTIFICATES,
  MAX_REPORT_CLASS_SCORES,
  MAX_REPORT_GROUPS,
  MAX_REPORT_ROWS,
} from "../contract/limits.ts";
import type { ReportForm, ReportRequest } from "../contract/report.ts";
import { unitId, type Row } from "../evaluation/row.ts";
import type { CertificateRow } from "../report/certificate-row.ts";
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
export const REPLICATES = 500;

/** Bytes of rows between two moments in which other events are handled. */
const PIECE = 1 << 20;

const refused = (detail: string, cause?: unknown) => invalidSpec({ pointer: "", detail }, cause);

/** More than this would take too long: scores of each group are drawn anew, and networks are compared. */
const requireFew = ({ counted, groups, subjects }: Store, certificates: readonly CertificateRow[]): void => {
  if (certificates.length > MAX_REPORT_CERTIFICATES)
    throw refused(`has more than ${MAX_REPORT_CERTIFICATES} certificates; take fewer images, or run faultline report`);
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

interface Results {
  readonly store: Store;
  readonly certificates: readonly CertificateRow[];
}

/** What is wrong with a body that has no row of an attack. */
const withoutRows = (certificates: number): string =>
  certificates === 0
    ? "has no rows; each line is a row of faultline evaluate"
    : `has certificates alone (${certificates}), which a report sets beside rows of attacks on the same images; send those of faultline evaluate in the same body`;

const readResults = async (rows: Uint8Array): Promise<Results> => {
  const certificates: CertificateRow[] = [];
  const store = createStore();
  const fresh: (readonly [row: Row, line: number])[] = [];
  const reader = createReader(store, certificates, (...row) => void fresh.push(row));
  const checkIds = async (): Promise<void> => {
    await Promise.all(fresh.splice(0).map(([row, line]) => requireOwnId(row, line)));
  };
  for (let at = 0; at < rows.length; at += PIECE) {
    reader.push(rows.subarray(at, at + PIECE));
    requireFew(store, certificates);
    await checkIds();
    await yieldToEvents();
  }
  reader.end();
  await checkIds();
  requireFew(store, certificates);
  if (store.groups.size === 0) throw refused(withoutRows(certificates.length));
  return { store, certificates };
};

const writers: Readonly<Record<ReportForm, (report: ReportData, draw: DrawCharts) => Promise<string>>> = {
  json: async (report) => `${JSON.stringify(report)}\n`,
  markdown: async (report) => markdownReport(report),
  html: async (report, draw) => htmlReport(report, await draw(report)),
};

/** @throws FaultlineError `invalid-spec` that names the line at fault, or the certificate that contradicts a row. */
const reportDataOf = async ({ rows, title, seed }: ReportRequest): Promise<ReportData> => {
  try {
    const { store, certificates } = await readResults(rows);
    return buildReport(store, { title, seed, certificates, replicates: REPLICATES });
  } catch (cause) {
    if (cause instanceof RowError) throw refused(cause.message, cause);
    throw cause;
  }
};

/** The report as text, in the form that is asked for. @throws FaultlineError `invalid-spec` for rows that cannot be counted. */
export const reportOn = async (request: ReportRequest, draw: DrawCharts): Promise<string> =>
  writers[request.form](await reportDataOf(request), draw);
