/** `faultline evaluate`: networks, attacks and pictures in, a row of counts for each of their combinations out. */

import { defaultRadius } from "../attacks/catalogue.ts";
import { withoutGivenRadii } from "../evaluation/attacks-of.ts";
import type { Row } from "../evaluation/row.ts";
import { SpecError, type EvaluationSpec } from "../evaluation/spec.ts";
import { totalOfAlike } from "../evaluation/picture-plan.ts";
import { UsageError } from "../node/failure.ts";
import { checkWritable, writtenAt } from "../node/files.ts";
import type { Options, Values } from "../node/options.ts";
import { buildReport } from "../report/report.ts";
import { backendFlags, placeFrom, ranOn } from "./backend.ts";
import { command, type Io, type Report } from "./command.ts";
import { picturesText } from "./evaluate-data.ts";
import { dryRun } from "./evaluate-dry-run.ts";
import { onFlag, predictedOn, runOn } from "./evaluate-on.ts";
import { specFault, specFlags, specFrom } from "./evaluate-options.ts";
import { chooseFor, prepare, type Shard } from "./evaluate-prepare.ts";
import { resourceFlags, shareOf, sizeFlag, unitLimit } from "./evaluate-resources.ts";
import { rowsIn, runEvaluation, type RunEnd } from "./evaluate-run.ts";
import { createSummary } from "./evaluate-summary.ts";
import { engageRedis, engageThreads, redisFlag } from "./evaluate-workers.ts";
import { createResults } from "./read-results.ts";
import { reportFile, writeReport, type ReportFile } from "./report-files.ts";
import { besideRows, commandLine, runFile } from "./run-file.ts";
import { counted } from "../counted.ts";

const options = {
  ...specFlags,
  out: { type: "string", short: "o", value: "FILE", default: "rows.jsonl", help: "where the rows are kept" },
  format: { type: "string", value: "NAME", default: "jsonl", help: "jsonl, or parquet: FILE.parquet as well" },
  report: { type: "string", value: "FILE", multiple: true, help: "a report of the rows as well: .html, .md or .json" },
  shard: { type: "string", value: "I/N", help: "only the I-th of N parts, I from 1, for as many machines" },
  "dry-run": { type: "boolean", help: "print the units, their time and memory, and run none" },
  ...resourceFlags,
  ...sizeFlag,
  ...redisFlag,
  ...onFlag,
  ...backendFlags,
} as const satisfies Options;

const about = `
Attacks networks on the pictures of a data set and keeps, for each picture, network and attack, one
row of pixel counts, from which scores are made later. NET is a folder with a manifest.json, or the
name of a network that ships; a YAML or JSON file in place of networks holds the whole
specification, whose fields the flags replace. Without --data, synthetic streets are drawn.

Each row is on the disk before the next is begun. The same command again goes on where it was
stopped, and ends with the same bytes. Units that fail are listed in FILE.failed.jsonl, are tried
again by the next run, and make the exit code 1.

DIR and FILE may be in an S3-compatible bucket, s3://BUCKET/PREFIX, with its keys in the environment
(AWS_ACCESS_KEY_ID, …); s3://BUCKET/PREFIX#NAME is a data set that was pushed to a service there.

With --redis, faultline worker processes on any machines carry out the units; --workers is then the
number of parcels of units that are on their way at a time, 64 if absent.

With --on, a service carries it out, beside whatever else it does; Ctrl-C detaches, and the same
command follows it again. FAULTLINE_TOKEN is sent as the token that the service may require.`;

type Given = Values<typeof options>;

/** The flags, for what each is by default. */
const flags: Options = options;

const shardFrom = (text: string | undefined): Shard => {
  if (text === undefined) return [0, 1];
  const [, i, n] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (i === undefined || Number(i) < 1 || Number(i) > Number(n))
    throw new UsageError(`--shard must be I/N with I from 1 to N, as in 2/8, not "${text}"`);
  return [Number(i) - 1, Number(n)];
};

const isParquet = (format: string): boolean => {
  if (format === "jsonl" || format === "parquet") return format === "parquet";
  throw new UsageError(`--format must be jsonl or parquet, not "${format}"`);
};

const outFrom = async (path: string): Promise<string> => {
  if (!/\.(jsonl|ndjson)$/i.test(path)) throw new UsageError(`-o ${path}: rows are JSON Lines; name a file .jsonl`);
  const { run, failed, parquet } = besideRows(path);
  for (const file of [path, run, failed, parquet]) await checkWritable(file, []);
  return path;
};

/** Failures in words, the first of them with its reason. */
const refusalOf = ({ failed, units }: RunEnd, path: string): string | undefined => {
  const [first] = failed;
  if (!first) return undefined;
  return `${failed.length} of ${units} units failed, listed in ${path}; the first, on ${first.unit.unit.item}: ${first.error}; the same command tries them again`;
};

/** What of the flags bears on the rows, and is not the default. */
const saidIn = (values: Given): Readonly<Record<string, unknown>> => {
  const beside = new Set(["workers", "memory", "max-units", "redis", "send", "report", "json", "debug"]);
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !beside.has(name) && value !== flags[name]?.default),
  );
};

/** What is kept of an evaluation: the file of rows, and what is made of it at the end. */
interface Kept {
  readonly out: string;
  readonly asParquet: boolean;
  readonly reports: readonly ReportFile[];
}

/** The pooled scores of the rows, in words. The rows as Parquet and the reports are written. */
const concluded = async ({ out, asParquet, reports }: Kept, { seed }: EvaluationSpec): Promise<string> => {
  const summary = createSummary();
  const results = reports.length > 0 ? createResults(out) : null;
  /** The rows are read once: in a bucket they may be many GB. */
  const rows = async function* (): AsyncGenerator<Row> {
    for await (const row of rowsIn(out)) {
      summary.add(row);
      await results?.add(row);
      yield row;
    }
  };
  if (asParquet) {
    const { writeParquet } = await import("./parquet.ts");
    await writtenAt(besideRows(out).parquet, (path) => writeParquet(path, rows()));
  } else for await (const _ of rows());
  if (results) {
    const { store, runs } = await results.end();
    await writeReport(buildReport(store, { runs, seed }), reports);
  }
  return summary.text();
};

/** Flags that say how this machine carries out an evaluation. */
const ofThisMachine = ["workers", "memory", "max-units", "redis", "send", "shard", "backend", "threads"] as const;

const evaluateOn = async (url: string, spec: EvaluationSpec, kept: Kept, values: Given, io: Io): Promise<Report> => {
  const other = ofThisMachine.find((name) => values[name] !== flags[name]?.default);
  if (other !== undefined) throw new UsageError(`--${other} does not go with --on: the service has its own`);
  if (values["dry-run"] === true) return predictedOn(url, spec);
  const { info, refusal } = await runOn(url, spec, kept.out, io);
  const text = `${info.units.done} rows in ${kept.out}, of evaluation ${info.id}\n${await concluded(kept, spec)}`;
  return { text, data: { rows: kept.out, ...info }, refusal };
};

/** Radii that are given are of attacks with a budget alone, which is said where another attack could be meant. */
const noteRadii = (spec: EvaluationSpec, io: Io): void => {
  const [epsilon] = [spec.epsilon ?? []].flat();
  for (const name of new Set(withoutGivenRadii(spec))) {
    const radius = defaultRadius(name);
    const has =
      radius === undefined ? "looks for its smallest perturbation, without a bound" : `has the radius ${radius}`;
    io.stderr(`note: ${name} takes none of the common radii and ${has}; ${name}:epsilon=${epsilon} gives it its own\n`);
  }
};

const evaluate = async (operands: readonly string[], values: Given, io: Io): Promise<Report> => {
  const shard = shardFrom(values.shard);
  if (values.send !== undefined && values.redis === undefined && values.on === undefined)
    throw new UsageError("--send goes with --redis URL, to whose workers it sends");
  const place = placeFrom(values);
  const spec = await specFrom(operands, values);
  noteRadii(spec, io);
  const out = await outFrom(values.out);
  const asParquet = isParquet(values.format);
  const reports = (values.report ?? []).map((path) => reportFile("--report", path));
  for (const [path] of reports) await checkWritable(path, [out]);
  const kept = { out, asParquet, reports };
  if (values.on !== undefined) return evaluateOn(values.on, spec, kept, values, io);
  const prepared = await prepare(spec, { shard, limit: unitLimit(values) }, io).catch((cause: unknown) => {
    throw cause instanceof SpecError ? specFault(operands, cause) : cause;
  });
  const { data, alike, located } = prepared;
  const { choice, version: onnxruntime } = await chooseFor(prepared, place);
  const at = { backend: choice.backend, threads: place.threads };
  const inThreads = async () => {
    // A GPU is one device, whose process each thread would start anew.
    const most = choice.backend === "webgpu" ? 1 : Math.max(1, totalOfAlike(alike()).groups);
    const largest = data.checked.largest ?? data.streetSize;
    const share = await shareOf(prepared, largest, values, { most, ...at });
    return { share, ...engageThreads(prepared, share, at) };
  };
  if (values["dry-run"] === true) {
    const { share, workers, end } = await inThreads();
    try {
      return await dryRun(prepared, share, workers[0]!);
    } finally {
      await end();
    }
  }
  const engaged =
    values.redis === undefined
      ? await inThreads()
      : await engageRedis(values.redis, prepared, { window: values.workers, send: values.send, at, io });
  try {
    const typed = commandLine(operands, saidIn(values));
    const run = runFile(spec, located, data, { onnxruntime, backend: choice.backend, command: typed });
    const end = await runEvaluation(prepared, run, { out, engaged, io });
    const beside = besideRows(out);
    const head = `${counted(end.units - end.failed.length, "row")} in ${out}, of ${picturesText(counted(data.items.length, "picture"), data)}`;
    const text = [head, ...ranOn(place, choice), await concluded(kept, spec)].join("\n");
    const { units, known, failed } = end;
    const first = failed[0] && { item: failed[0].unit.unit.item, error: failed[0].error };
    const report = { rows: out, run: beside.run, units, known, failed: failed.length, firstFailure: first };
    return { text, data: report, refusal: refusalOf(end, beside.failed) };
  } finally {
    await engaged.end();
  }
};

export const evaluateNetworks = command({
  name: "evaluate",
  operand: "NET",
  others: "NET…",
  othersOptional: true,
  about,
  options,
  run: (net, values, io, others) => evaluate([net, ...others], values, io),
});
