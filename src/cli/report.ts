/** `faultline report`: rows in, a report out. */

import { UsageError } from "../node/failure.ts";
import { checkWritable } from "../node/files.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import { exporters, type ExportName } from "../report/exports.ts";
import { markdownReport } from "../report/markdown.ts";
import { buildReport } from "../report/report.ts";
import { command } from "./command.ts";
import { readResults } from "./read-results.ts";
import { reportFile, writeReport, type ReportFile } from "./report-files.ts";

const options = {
  out: {
    type: "string",
    short: "o",
    value: "FILE",
    multiple: true,
    help: "report.html, .md or .json; may be repeated",
  },
  export: {
    type: "string",
    value: "NAME=FILE",
    multiple: true,
    help: `${Object.keys(exporters).join(", ")}; may be repeated`,
  },
  title: { type: "string", value: "TEXT", help: "the heading of the report" },
  seed: { type: "string", value: "N", default: "0", help: "of the bootstrap" },
} as const satisfies Options;

const about = `
Scores, intervals and verdicts from the rows that faultline evaluate keeps, JSON Lines or Parquet. Several files are the
union of their rows, so that networks that were evaluated apart are compared over the images that
they share. The 95 % intervals come from a bootstrap over images. Without -o, Markdown is printed.`;

const exportFor = (text: string): ReportFile => {
  const [, name, path] = /^([a-z-]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && path !== undefined && Object.hasOwn(exporters, name))
    return [path, async (report) => exporters[name as ExportName](report)];
  throw new UsageError(`--export must be NAME=FILE with one of ${Object.keys(exporters).join(", ")}, not "${text}"`);
};

export const reportResults = command({
  name: "report",
  operand: "RESULTS",
  others: "RESULTS…",
  othersOptional: true,
  about,
  options,
  run: async (first, values, _io, others) => {
    const outs = (values.out ?? []).map((path) => reportFile("-o", path));
    const all = [...outs, ...(values.export ?? []).map(exportFor)];
    for (const [path] of all) await checkWritable(path, [first, ...others]);
    const seed = wholeNumber("seed", values.seed, 0, 0xffff_ffff);
    const { store, runs } = await readResults([first, ...others]);
    const report = buildReport(store, { seed, runs, title: values.title });
    await writeReport(report, all);
    const text = all.length === 0 ? markdownReport(report).trimEnd() : all.map(([path]) => `wrote ${path}`).join("\n");
    return { text, data: report };
  },
});
