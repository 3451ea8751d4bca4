/** `faultline evaluate`: networks, attacks and pictures in, a row of counts for each of their combinations out. */

import type { EvaluationSpec } from "../evaluation/spec.ts";
import { UsageError } from "../node/failure.ts";
import { checkWritable } from "../node/files.ts";
import { wantedBackend, type Options, type Values } from "../node/options.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { backendOption } from "./backend.ts";
import { command, type Io, type Report } from "./command.ts";
import { dryRun } from "./evaluate-dry-run.ts";
import { onFlag, predictedOn, runOn } from "./evaluate-on.ts";
import { specFlags, specFrom } from "./evaluate-options.ts";
import { prepare, type Shard } from "./evaluate-prepare.ts";
import { resourceFlags, shareOf } from "./evaluate-resources.ts";
import { rowsIn, runEvaluation, type RunEnd } from "./evaluate-run.ts";
import { createSummary } from "./evaluate-summary.ts";
import { engageRedis, engageThreads, redisFlag } from "./evaluate-workers.ts";
import { besideRows, commandLine, runFile } from "./run-file.ts";

const options = {
  ...specFlags,
  out: { type: "string", short: "o", value: "FILE", default: "rows.jsonl", help: "where the rows are kept" },
  format: { type: "string", value: "NAME", default: "jsonl", help: "jsonl, or parquet: FILE.parquet as well" },
  shard: { type: "string", value: "I/N", help: "only the I-th of N parts, I from 1, for as many machines" },
  "dry-run": { type: "boolean", help: "print the units, their time and memory, and run none" },
  ...resourceFlags,
  ...redisFlag,
  ...onFlag,
  backend: backendOption,
} as const satisfies Options;

const about = `
Attacks networks on the pictures of a data set and keeps, for each picture, network and attack, one
row of pixel counts, from which scores are made later. NET is a folder with a manifest.json, or the
name of a network that ships; a YAML or JSON file in place of networks holds the whole
specification, whose fields the flags replace. Without --data, synthetic streets are drawn.

Each row is on the disk before the next is begun. The same command again goes on where it was
stopped, and ends with the same bytes. Units that fail are listed in FILE.failed.jsonl, are tried
again by the next run, and make the exit code 1.

With --redis, faultline worker processes on any machines carry out the units; --workers is then the
number of parcels of units that are on their way at a time, 64 if absent.

With --on, a service carries it out, beside whatever else it does; Ctrl-C detaches, and the same
command follows it again. FAULTLINE_TOKEN is sent as the token that the service may require.`;

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
  const beside = new Set(["workers", "memory", "redis", "json", "debug"]);
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !beside.has(name) && value !== defaults[name]?.default),
  );
};

/** The pooled scores of the rows, in words; the rows as Parquet too. */
const summarised = async (out: string, spec: EvaluationSpec, asParquet: boolean): Promise<string> => {
  const summary = createSummary(spec.seed);
  for await (const row of rowsIn(out)) summary.add(row);
  if (asParquet) await (await import("./parquet.ts")).writeParquet(besideRows(out).parquet, rowsIn(out));
  return summary.text();
};

interface Remote {
  readonly out: string;
  readonly asParquet: boolean;
  readonly values: Given;
  readonly io: Io;
}

/** Flags that say how this machine carries out an evaluation. */
const ofThisMachine = ["workers", "memory", "redis", "shard"] as const;

const evaluateOn = async (
  url: string,
  spec: EvaluationSpec,
  { out, asParquet, values, io }: Remote,
): Promise<Report> => {
  const other = ofThisMachine.find((name) => values[name] !== undefined);
  if (other !== undefined) throw new UsageError(`--${other} does not go with --on: the service has its own`);
  if (values["dry-run"] === true) return predictedOn(url, spec);
  const { info, refusal } = await runOn(url, spec, out, io);
  const text = `${info.units.done} rows in ${out}, of evaluation ${info.id}\n${await summarised(out, spec, asParquet)}`;
  return { text, data: { rows: out, ...info }, refusal };
};

const evaluate = async (operands: readonly string[], values: Given, io: Io): Promise<Report> => {
  const shard = shardFrom(values.shard);
  const backend = wantedBackend(values.backend);
  const spec = await specFrom(operands, values);
  const out = await outFrom(values.out);
  const asParquet = isParquet(values.format);
  if (values.on !== undefined) return evaluateOn(values.on, spec, { out, asParquet, values, io });
  const prepared = await prepare(spec, shard, io);
  const { data, plan, groups, located } = prepared;
  const threads = async () => {
    // A GPU is one device, whose process each thread would start anew.
    const most = backend === "wasm" ? groups.length : 1;
    const share = await shareOf(spec, located, plan, data.checked.largest ?? data.streetSize, values, most);
    return { share, ...engageThreads(prepared, share, backend) };
  };
  if (values["dry-run"] === true) {
    const { share, workers, end } = await threads();
    try {
      return await dryRun(prepared, share, workers[0]!);
    } finally {
      await end();
    }
  }
  const engaged =
    values.redis === undefined
      ? await threads()
      : await engageRedis(values.redis, prepared, { window: values.workers, backend, io });
  try {
    const typed = commandLine(operands, saidIn(values));
    const run = runFile(spec, located, data, { onnxruntime: startWasm().version, command: typed });
    const end = await runEvaluation(prepared, run, { out, engaged, io });
    const beside = besideRows(out);
    const head = `${end.units - end.failed.length} rows in ${out}, of ${data.items.length} pictures of ${data.name}`;
    const text = `${head}\n${await summarised(out, spec, asParquet)}`;
    const report = { rows: out, run: beside.run, units: end.units, known: end.known, failed: end.failed.length };
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
