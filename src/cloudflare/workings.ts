/** What the steps of a run do, and what cron does for runs that stand still. */

import { reasonOf } from "../reason.ts";
import { htmlReport } from "../report/html.ts";
import { markdownReport } from "../report/markdown.ts";
import { createReader } from "../report/reader.ts";
import { buildReport } from "../report/report.ts";
import type { RunFacts } from "../report/run-facts.ts";
import { createStore } from "../report/store.ts";
import { MS_PER_HOUR } from "../contract/evaluations.ts";
import { MAX_REPORT_ROWS } from "../contract/limits.ts";
import type { Delivery } from "./deliveries.ts";
import type { CloudLedger, Entry, Run, Settled } from "./ledger.ts";
import { linesOf, type CloudObjects } from "./objects.ts";

export interface WorkingsOptions {
  readonly ledger: CloudLedger;
  readonly objects: CloudObjects;
  readonly queue: Pick<Queue<Delivery>, "sendBatch">;
  /** What a report says of the run. */
  readonly factsOf: (entry: Entry) => Promise<RunFacts>;
  /** Whether the Workflow of a run is still there. */
  readonly isAlive: (run: Run) => Promise<boolean>;
}

/** How a run has ended. */
export type Ended = "done" | "incomplete" | "stopped";

/** Parcels whose rows are merged into one object: of about 3 KB a row, 6 MB. */
const ROWS_TOGETHER = 2000;

/** Messages of one call. */
const SENT_TOGETHER = 100;

/** Objects that are read at a time: a Worker has six connections. */
const READ_TOGETHER = 6;

/** A run of which nothing has been heard for so long has lost its messages, as a queue in memory does when it is started anew. */
const STALE_MS = 15 * 60_000;

/** How many parcels are merged into one object. */
export const parcelsTogether = ({ parcels, predicted }: Pick<Entry, "parcels" | "predicted">): number =>
  Math.max(1, Math.floor((ROWS_TOGETHER * parcels) / Math.max(1, predicted.units)));

export const createWorkings = ({ ledger, objects, queue, factsOf, isAlive }: WorkingsOptions) => {
  const found = async ({ evaluation, run }: Run): Promise<Entry | null> => {
    const entry = await ledger.find(evaluation);
    return entry?.run === run ? entry : null;
  };
  const sent = async ({ evaluation, run }: Run, numbers: readonly number[]): Promise<void> => {
    for (let at = 0; at < numbers.length; at += SENT_TOGETHER)
      await queue.sendBatch(
        numbers.slice(at, at + SENT_TOGETHER).map((number) => ({ body: { evaluation, run, number } })),
      );
  };
  /** Rows of parcels that are done, from one number to another. */
  const linesFrom = async (id: string, from: number, to: number): Promise<string> => {
    const numbers = await ledger.done(id, from, to);
    const lines: string[] = [];
    for (let at = 0; at < numbers.length; at += READ_TOGETHER) {
      const kept = await Promise.all(numbers.slice(at, at + READ_TOGETHER).map((number) => objects.parcel(id, number)));
      lines.push(...kept.map((parcel) => linesOf(parcel?.outcomes ?? [])));
    }
    return lines.join("");
  };

  return {
    linesFrom,
    begin: async (run: Run) => {
      const entry = await found(run);
      if (!entry) return { parcels: 0, chunks: 0 };
      await ledger.setState(entry.id, entry.run, ["queued"], "running");
      return { parcels: entry.parcels, chunks: Math.ceil(entry.parcels / parcelsTogether(entry)) };
    },
    send: async (run: Run, from: number, to: number) => {
      const numbers = await ledger.send(run.evaluation, run.run, from, to);
      await sent(run, numbers);
      return numbers.length;
    },
    /** The cap is kept here: a window of parcels may go beyond it. */
    look: async (run: Run, before: Settled, to: number) => {
      const entry = await found(run);
      if (entry?.state !== "running") return { isWanted: false, waiting: 0, settled: before };
      const { waiting, spentMs, settled } = await ledger.standing(entry.id, before, to);
      const isWanted = spentMs <= entry.maxCpuHours * MS_PER_HOUR;
      if (!isWanted) await ledger.setState(entry.id, entry.run, ["running"], "capped", "it took more than maxCpuHours");
      return { isWanted, waiting, settled };
    },
    merge: async (run: Run, chunk: number) => {
      const entry = await found(run);
      if (!entry) return 0;
      const together = parcelsTogether(entry);
      const lines = await linesFrom(entry.id, chunk * together, (chunk + 1) * together);
      await objects.putRows(entry.id, entry.run, chunk, lines);
      return lines.length;
    },
    report: async (run: Run) => {
      const entry = await found(run);
      if (!entry || entry.predicted.units > MAX_REPORT_ROWS) return false;
      const store = createStore();
      const reader = createReader(store);
      for (let chunk = 0; ; chunk++) {
        const rows = await objects.rows(entry.id, entry.run, chunk);
        if (!rows) break;
        reader.push(new Uint8Array(await rows.arrayBuffer()));
      }
      reader.end();
      if (store.groups.size === 0) return false;
      const data = buildReport(store, { seed: entry.spec.seed ?? 0, runs: [await factsOf(entry)] });
      await objects.putReport(entry.id, "application/json", `${JSON.stringify(data, null, 2)}\n`);
      await objects.putReport(entry.id, "text/markdown", markdownReport(data));
      await objects.putReport(entry.id, "text/html", htmlReport(data, []));
      return true;
    },
    end: async ({ evaluation, run }: Run): Promise<Ended> => {
      const { failed } = await ledger.progress(evaluation);
      const [state, reason] =
        failed === 0
          ? (["done", undefined] as const)
          : (["incomplete", `${failed} units failed; a retry runs them again`] as const);
      await ledger.setState(evaluation, run, ["running"], state, reason);
      return state;
    },
    /** By cron. @returns parcels that were sent again. */
    sweep: async (now: number): Promise<number> => {
      let again = 0;
      for (const { id, run, began } of await ledger.going()) {
        const at = { evaluation: id, run };
        if (began < now - STALE_MS && !(await isAlive(at))) {
          await ledger.setState(id, run, ["queued", "running"], "failed", "its Workflow has ended; a retry goes on");
          continue;
        }
        const numbers = await ledger.stalled(id, run, now - STALE_MS, 10 * SENT_TOGETHER);
        await sent(at, numbers);
        again += numbers.length;
      }
      return again;
    },
    /** A step that fails for good ends the run. */
    failed: (run: Run, cause: unknown): Promise<boolean> =>
      ledger.setState(run.evaluation, run.run, ["queued", "running"], "failed", reasonOf(cause)),
  };
};

export type Workings = ReturnType<typeof createWorkings>;
