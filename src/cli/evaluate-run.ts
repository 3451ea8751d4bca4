/** Carries out an evaluation: rows are kept as they come, and put in order at the end. */

import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { Row } from "../evaluation/row.ts";
import { specText } from "../evaluation/spec.ts";
import { remaining, totalOf, type Group } from "../evaluation/units.ts";
import { runParcels } from "../jobs/run.ts";
import type { Failure } from "../jobs/perform.ts";
import { parcelsOf } from "../jobs/worker.ts";
import { Interrupted, Refusal } from "../node/failure.ts";
import { jsonFile, piecesOf, readJson, removeFile, statOf, writeFiles } from "../node/files.ts";
import { ledgerAt } from "../node/ledger-bucket.ts";
import type { Io } from "./command.ts";
import type { Prepared } from "./evaluate-prepare.ts";
import type { Engaged } from "./evaluate-workers.ts";
import { interruptible } from "./interrupt.ts";
import { besideRows, type RunFile } from "./run-file.ts";
import { createRunProgress } from "./run-progress.ts";

const idsOf = (groups: readonly Group[]): string[] => groups.flatMap(({ units }) => units.map(({ id }) => id));

/** Rows of another evaluation are never mixed with these. */
export const requireOwn = (done: ReadonlySet<string>, ids: readonly string[], path: string): void => {
  const own = new Set(ids);
  const foreign = [...done].filter((id) => !own.has(id)).length;
  if (foreign === 0) return;
  throw new Refusal(
    `${path}: holds ${foreign} rows that this evaluation does not have: it is another one's, or of another shard; name another file with -o`,
  );
};

/** One forward and one backward, for most attacks. */
const EVALUATIONS_OF_A_STEP = 2;

/** What the pictures of a run were chosen by. */
const choiceOf = ({ spec: { data, seed } }: Pick<RunFile, "spec">): string => specText({ data, seed });

/** @throws Refusal where the same choice gives other pictures than before, or the rows are of another backend, which rounds otherwise. */
const requireAsBefore = async (path: string, run: RunFile): Promise<void> => {
  if (!(await statOf(path))) return;
  const before = (await readJson(path)) as unknown as Partial<RunFile>;
  if (before.backend && before.backend !== run.backend)
    throw new Refusal(
      `${path}: its rows ran on ${before.backend}, and this evaluation would run on ${run.backend}; name another file with -o, or go on with --backend ${before.backend}`,
    );
  if (!before.spec || !before.data || choiceOf({ spec: before.spec }) !== choiceOf(run)) return;
  if (before.data.digest === run.data.digest) return;
  throw new Refusal(`${path}: the pictures or label maps have changed since it was written; name another file with -o`);
};

const failedLines = (failed: readonly Failure[]): Uint8Array =>
  new TextEncoder().encode(
    failed.map(({ unit: { id, unit }, error }) => `${JSON.stringify({ id, unit, error })}\n`).join(""),
  );

/** The rows of a file, one at a time. */
export async function* rowsIn(path: string): AsyncGenerator<Row> {
  for await (const line of createInterface({ input: Readable.from(piecesOf(path)), crlfDelay: Infinity }))
    yield JSON.parse(line) as Row;
}

export interface RunEnd {
  readonly units: number;
  /** Rows that were there before. */
  readonly known: number;
  readonly failed: readonly Failure[];
}

/**
 * @throws Interrupted that says how to go on; Refusal where the file holds something else.
 */
export const runEvaluation = async (
  prepared: Prepared,
  run: RunFile,
  {
    out,
    engaged: { workers, parcelEvaluations },
    io,
  }: { readonly out: string; readonly engaged: Engaged; readonly io: Io },
): Promise<RunEnd> => {
  const groups = await prepared.groups();
  const ids = idsOf(groups);
  const beside = besideRows(out);
  await requireAsBefore(beside.run, run);
  const ledger = await ledgerAt(out);
  try {
    const done = ledger.done();
    requireOwn(done, ids, out);
    await writeFiles([[beside.run, jsonFile(run)]]);
    // Cut before what is done is left out, so that a queue knows again what it has.
    const parcels = parcelsOf(groups, parcelEvaluations)
      .map((parcel) => remaining(parcel, done))
      .filter((parcel) => parcel.length > 0);
    const left = parcels.flat();
    const { forward, backward } = totalOf(left);
    const size = { units: idsOf(left).length, evaluations: forward + backward };
    if (done.size > 0) io.stderr(`${out}: ${done.size} of ${ids.length} units are there already\n`);
    let rows = done.size;
    io.onRows?.(rows);
    const progress = createRunProgress(io, size);
    const all = async (signal: AbortSignal): Promise<readonly Failure[]> => {
      try {
        return await runParcels({
          parcels,
          workers,
          ledger,
          signal,
          onSteps: (parcel, steps) => progress.steps(parcel, EVALUATIONS_OF_A_STEP * steps),
          onParcel: (parcel, outcomes) => {
            const lost = outcomes.filter((outcome) => !("row" in outcome)).length;
            rows += outcomes.length - lost;
            io.onRows?.(rows);
            const { forward: runs, backward: gradients } = totalOf(parcel);
            progress.ended(parcel, runs + gradients, outcomes.length, lost);
          },
        });
      } catch (cause) {
        if (!signal.aborted) throw cause;
        const kept = `${ledger.done().size} of ${ids.length} units are in ${out}`;
        throw new Interrupted(`interrupted: ${kept}; the same command goes on from there`, { cause });
      } finally {
        progress.clear();
      }
    };
    const failed = await interruptible(all);
    await ledger.arrange(ids);
    if (failed.length === 0) await removeFile(beside.failed);
    else await writeFiles([[beside.failed, failedLines(failed)]]);
    return { units: ids.length, known: done.size, failed };
  } finally {
    await ledger.close();
  }
};
