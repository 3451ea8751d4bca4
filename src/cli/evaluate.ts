/** `faultline evaluate`: networks, attacks and pictures in, a row of counts for each of their combinations out. */

import { UsageError } from "../node/failure.ts";
import { checkWritable } from "../node/files.ts";
import type { Options, Values } from "../node/options.ts";
import { backendFlags, placeFrom, ranOn } from "./backend.ts";
import { command, type Io, type Report } from "./command.ts";
import { dryRun } from "./evaluate-dry-run.ts";
import { specFlags, specFrom } from "./evaluate-options.ts";
import { chooseFor, prepare, workersOf, type Shard } from "./evaluate-prepare.ts";
import { resourceFlags, shareOf } from "./evaluate-resources.ts";
import { rowsIn, runEvaluation, type RunEnd } from "./evaluate-run.ts";
import { createSummary } from "./evaluate-summary.ts";
import { besideRows, commandLine, runFile } from "./run-file.ts";

const options = {
  ...specFlags,
  out: { type: "string", short: "o", value: "FILE", default: "rows.jsonl", help: "where the rows are kept" },
  format: { type: "string", value: "NAME", default: "jsonl", help: "jsonl, or parquet: FILE.parquet as well" },
  shard: { type: "string", value: "I/N", help: "only the I-th of N parts, I from 1, for as many machines" },
  "dry-run": { type: "boolean", help: "print the units, their time and memory, and run none" },
  ...resourceFlags,
  ...backendFlags,
} as const satisfies Options;

const about = `
Attacks networks on the pictures of a data set and keeps, for each picture, network and attack, one
row of pixel counts, from which scores are made later. NET is a folder with a manifest.json, or the
name of a network that ships; a YAML or JSON file in place of networks holds the whole
specification, whose fields the flags replace. Without --data, synthetic streets are drawn.

Each row is on the disk before the next is begun. The same command again goes on where it was
stopped, and ends with the same bytes. Units that fail are listed in FILE.failed.jsonl, are tried
again by the next run, and make the exit code 1.`;

type Given = Values<typeof options>;

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
  const defaults: Options = options;
  const beside = new Set(["workers", "memory", "json", "debug"]);
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !beside.has(name) && value !== defaults[name]?.default),
  );
};

const evaluate = async (operands: readonly string[], values: Given, io: Io): Promise<Report> => {
  const shard = shardFrom(values.shard);
  const place = placeFrom(values);
  const spec = await specFrom(operands, values);
  const out = await outFrom(values.out);
  const asParquet = isParquet(values.format);
  const prepared = await prepare(spec, shard, io);
  const { data, plan, groups, located } = prepared;
  const { choice, version: onnxruntime } = await chooseFor(prepared, place);
  // A GPU is one device, whose process each thread would start anew.
  const most = choice.backend === "webgpu" ? 1 : Math.max(1, groups.length);
  const chosen = { backend: choice.backend, threads: place.threads };
  const largest = data.checked.largest ?? data.streetSize;
  const share = await shareOf(spec, located, plan, largest, values, { most, ...chosen });
  const workers = workersOf(prepared, share, chosen);
  try {
    if (values["dry-run"] === true) return await dryRun(prepared, share, workers[0]!);
    const typed = commandLine(operands, saidIn(values));
    const run = runFile(spec, located, data, { onnxruntime, backend: choice.backend, command: typed });
    const end = await runEvaluation(prepared, run, { out, workers, io });
    const summary = createSummary(spec.seed);
    for await (const row of rowsIn(out)) summary.add(row);
    const beside = besideRows(out);
    if (asParquet) await (await import("./parquet.ts")).writeParquet(beside.parquet, rowsIn(out));
    const head = `${end.units - end.failed.length} rows in ${out}, of ${data.items.length} pictures of ${data.name}`;
    const text = [head, ...ranOn(place, choice), summary.text()].join("\n");
    const report = { rows: out, run: beside.run, units: end.units, known: end.known, failed: end.failed.length };
    return { text, data: report, refusal: refusalOf(end, beside.failed) };
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
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
