/** `faultline evaluate --on URL`: a service carries out the evaluation; its rows are fetched when it has ended. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isOver, type EvaluationInfo } from "../contract/evaluations.ts";
import type { Row } from "../evaluation/row.ts";
import { specText, type EvaluationSpec } from "../evaluation/spec.ts";
import { Interrupted, Refusal } from "../node/failure.ts";
import { jsonFile, readJson, removeFile, statOf, writeFiles } from "../node/files.ts";
import { ledgerAt } from "../node/ledger-bucket.ts";
import type { Options } from "../node/options.ts";
import { isInBucket } from "../node/s3-settings.ts";
import type { Io, Report } from "./command.ts";
import { requireOwn, rowsIn } from "./evaluate-run.ts";
import { interruptible } from "./interrupt.ts";
import { duration } from "./progress.ts";
import { remoteEvaluations, type RemoteEvaluations } from "./remote.ts";
import { besideRows } from "./run-file.ts";
import { createRunProgress } from "./run-progress.ts";
import { grouped } from "./text.ts";

export const onFlag = {
  on: {
    type: "string",
    value: "URL",
    help: "have a service carry it out, with networks and --data by their names there: https://HOST",
  },
} as const satisfies Options;

const LOOK_MS = 1000;

/** Follows an evaluation to its end. @throws Interrupted after Ctrl-C, which leaves it running. */
const followed = async (
  service: RemoteEvaluations,
  first: EvaluationInfo,
  io: Io,
  signal: AbortSignal,
): Promise<EvaluationInfo> => {
  const { id, units } = first;
  const progress = createRunProgress(io, { units: units.total - units.done, evaluations: units.total - units.done });
  let info = first;
  try {
    while (!isOver(info)) {
      await setTimeout(LOOK_MS, undefined, { signal });
      // One that does not answer is asked again.
      const next = (await service.get(id)) ?? info;
      const more = next.units.done - info.units.done;
      if (more > 0) progress.ended({}, more, more, 0);
      info = next;
    }
    return info;
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const told = `${info.units.done} of ${info.units.total} units are done`;
    throw new Interrupted(`detached: ${told}, and evaluation ${id} goes on; the same command follows it`, { cause });
  } finally {
    progress.clear();
  }
};

/** What stands beside the rows of a service. */
interface RemoteRun {
  readonly schema: 1;
  readonly spec: EvaluationSpec;
  /** Where it names uploaded networks, another of which may have the name by now: their digests, and whose rows these are. */
  readonly uploaded?: EvaluationInfo["uploaded"];
  readonly evaluation?: string | undefined;
}

const runOf = (spec: EvaluationSpec, { id, uploaded }: EvaluationInfo): RemoteRun => ({
  schema: 1,
  spec,
  ...(uploaded && { uploaded, evaluation: id }),
});

/** Rows that are written to the disk together. */
const TOGETHER = 256;

/** Puts the rows of a service into a file, as an evaluation on this machine does. @throws Refusal where it holds those of another. */
const keepRows = async (body: ReadableStream<Uint8Array>, out: string, run: RemoteRun): Promise<void> => {
  const ledger = await ledgerAt(out);
  const scratch = await mkdtemp(isInBucket(out) ? join(tmpdir(), "faultline-") : `${out}.`);
  try {
    const draft = join(scratch, "rows.jsonl");
    await writeFile(draft, body);
    const ids: string[] = [];
    for await (const { id } of rowsIn(draft)) ids.push(id);
    requireOwn(ledger.done(), ids, out);
    await writeFiles([[besideRows(out).run, jsonFile(run)]]);
    let held: Row[] = [];
    for await (const row of rowsIn(draft)) {
      held.push(row);
      if (held.length < TOGETHER) continue;
      await ledger.record(held);
      held = [];
    }
    await ledger.record(held);
    await ledger.arrange(ids);
    // It says what an evaluation on this machine has left.
    await removeFile(besideRows(out).failed);
  } finally {
    await rm(scratch, { recursive: true, force: true });
    await ledger.close();
  }
};

/** Before the service works for nothing. @throws Refusal where the file holds rows, and what stands beside it is not this specification. */
const requireUnclaimed = async (out: string, spec: EvaluationSpec): Promise<void> => {
  if (((await statOf(out))?.size ?? 0) === 0) return;
  const { run } = besideRows(out);
  const before = (await statOf(run)) ? await readJson(run) : {};
  if (specText(before["spec"]) === specText(spec)) return;
  throw new Refusal(
    `${out}: holds rows, and ${run} does not say that they are of this evaluation; name another file with -o`,
  );
};

/** Rows say a network's file by its digest, and not how it was run. @throws Refusal where the file holds rows of other uploaded networks. */
const requireSameNetworks = async (out: string, { evaluation, uploaded }: RemoteRun): Promise<void> => {
  if (((await statOf(out))?.size ?? 0) === 0 || evaluation === undefined) return;
  const { run } = besideRows(out);
  if ((await readJson(run))["evaluation"] === evaluation) return;
  throw new Refusal(
    `${out}: holds rows of another evaluation than ${evaluation}, which is of ${toldNetworks(uploaded)}; name another file with -o`,
  );
};

const toldNetworks = (uploaded: EvaluationInfo["uploaded"] = {}): string =>
  Object.entries(uploaded)
    .map(([name, sha256]) => `${name} (uploaded, ${sha256.slice(0, 12)}…)`)
    .join(", ");

/** What a dry run of the service says. */
export const predictedOn = async (url: string, spec: EvaluationSpec): Promise<Report> => {
  const predicted = await remoteEvaluations(url, process.env["FAULTLINE_TOKEN"]).predict(spec);
  const { units, pictures, evaluations, workers, cpuHours, seconds } = predicted;
  const text = [
    `${grouped(units)} units on ${grouped(pictures)} pictures`,
    `${grouped(evaluations.forward)} forward and ${grouped(evaluations.backward)} backward evaluations at most`,
    `${cpuHours.toPrecision(2)} hours of a processor: about ${duration(1000 * seconds)} on ${workers} workers`,
  ].join("\n");
  return { text, data: predicted };
};

export interface RemoteEnd {
  readonly info: EvaluationInfo;
  /** In words, where it is not done. */
  readonly refusal: string | undefined;
}

/** Carries out an evaluation on a service, and fetches its rows. The same specification is the same evaluation, which goes on if it was stopped. */
export const runOn = async (url: string, spec: EvaluationSpec, out: string, io: Io): Promise<RemoteEnd> => {
  const service = remoteEvaluations(url, process.env["FAULTLINE_TOKEN"]);
  await requireUnclaimed(out, spec);
  const known = await service.submit(spec);
  const run = runOf(spec, known);
  await requireSameNetworks(out, run);
  const first = isOver(known) && known.state !== "done" ? await service.retry(known.id) : known;
  const of = first.uploaded ? `, of ${toldNetworks(first.uploaded)}` : "";
  io.stderr(`evaluation ${first.id}${of}: ${first.units.done} of ${first.units.total} units are done\n`);
  const info = await interruptible((signal) => followed(service, first, io, signal));
  await keepRows(await service.rows(info.id), out, run);
  const { state, reason, units } = info;
  const why = reason === undefined ? "" : `: ${reason}`;
  const refusal =
    state === "done"
      ? undefined
      : `${state} with ${units.done} of ${units.total} units${why}; the same command goes on`;
  return { info, refusal };
};
