/** `faultline report`: rows in, a report out. */

import { UsageError } from "../node/failure.ts";
import { checkWritable } from "../node/files.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import { examplesOf } from "../report/examples.ts";
import { exporters, type ExportName } from "../report/exports.ts";
import { markdownReport } from "../report/markdown.ts";
import { buildReport } from "../report/report.ts";
import { command } from "./command.ts";
import { readCertificates, readResults, refusing } from "./read-results.ts";
import { picturesOf } from "./report-pictures.ts";
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
  certificates: {
    type: "string",
    value: "FILE",
    multiple: true,
    help: "of faultline certify -o FILE.jsonl, beside the attacks; may be repeated",
  },
  title: { type: "string", value: "TEXT", help: "the heading of the report" },
  pictures: { type: "string", value: "N", help: "run N units again and show their pictures in the page (.html)" },
  seed: { type: "string", value: "N", default: "0", help: "of the bootstrap" },
} as const satisfies Options;

const about = `
Scores, intervals and verdicts from the rows that faultline evaluate keeps, JSON Lines or Parquet. Several files are the
union of their rows, so that networks that were evaluated apart are compared over the images that
they share. The 95 % intervals come from a bootstrap over images. With --certificates, what is proved
stands beside what attacks of the same norm, L2 or L∞, broke. Without -o, Markdown is printed.`;

/** Each is some megabytes in the page. */
const MAX_PICTURES = 20;

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
  run: async (first, values, io, others) => {
    const outs = (values.out ?? []).map((path) => reportFile("-o", path));
    const all = [...outs, ...(values.export ?? []).map(exportFor)];
    const given = values.certificates ?? [];
    for (const [path] of all) await checkWritable(path, [first, ...others, ...given]);
    const count = values.pictures === undefined ? 0 : wholeNumber("pictures", values.pictures, 1, MAX_PICTURES);
    if (count > 0 && !outs.some(([path]) => /\.html$/i.test(path)))
      throw new UsageError("--pictures go into a page: name it with -o FILE.html");
    const seed = wholeNumber("seed", values.seed, 0, 0xffff_ffff);
    const { store, runs } = await readResults([first, ...others]);
    const certificates = await readCertificates(given);
    const report = await refusing(given.join(", "), () =>
      buildReport(store, { seed, runs, title: values.title, certificates }),
    );
    const examples = count === 0 ? [] : await picturesOf(examplesOf(store, count), runs, io);
    await writeReport(report, all, examples);
    const text = all.length === 0 ? markdownReport(report).trimEnd() : all.map(([path]) => `wrote ${path}`).join("\n");
    return { text, data: report };
  },
});
