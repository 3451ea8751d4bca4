/** The files of a report, each in the form that its ending names. */

import { drawCharts } from "../node/charts.ts";
import { UsageError } from "../node/failure.ts";
import { writeFiles } from "../node/files.ts";
import { htmlReport } from "../report/html.ts";
import type { ShownExample } from "../report/examples.ts";
import { markdownReport } from "../report/markdown.ts";
import type { ReportData } from "../report/report.ts";

/** A path, and what is written there. */
export type ReportFile = readonly [
  path: string,
  write: (report: ReportData, examples: readonly ShownExample[]) => Promise<string>,
];

const writers: Readonly<Record<string, ReportFile[1]>> = {
  html: async (report, examples) => htmlReport(report, await drawCharts(report), examples),
  md: async (report) => markdownReport(report),
  json: async (report) => `${JSON.stringify(report, null, 2)}\n`,
};

/** @throws UsageError for an ending that is no form of a report. */
export const reportFile = (flag: string, path: string): ReportFile => {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  if (Object.hasOwn(writers, ending)) return [path, writers[ending]!];
  throw new UsageError(`${flag} ${path}: a report is a file .html, .md or .json`);
};

/** Writes all of them, or none. */
export const writeReport = async (
  report: ReportData,
  files: readonly ReportFile[],
  examples: readonly ShownExample[] = [],
): Promise<void> => {
  const written: [string, Uint8Array][] = [];
  for (const [path, write] of files) written.push([path, new TextEncoder().encode(await write(report, examples))]);
  await writeFiles(written);
};
