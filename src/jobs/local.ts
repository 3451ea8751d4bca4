/** A run on one machine: workers take groups, rows are kept as they come, failures are gathered. */

import type { Row } from "../evaluation/row.ts";
import type { Group } from "../evaluation/units.ts";
import { reasonOf } from "../reason.ts";
import type { Ledger } from "./ledger.ts";
import type { Failure, Outcome } from "./perform.ts";
import { createSchedule } from "./schedule.ts";

/** What carries out one group at a time. */
export interface Worker {
  /** @param onSteps called with numbers of steps that are done. Rejects where the worker itself fails, or after `signal`. */
  readonly perform: (
    group: Group,
    hooks: { readonly signal: AbortSignal; readonly onSteps: (steps: number) => void },
  ) => Promise<readonly Outcome[]>;
}

export interface LocalRun {
  readonly groups: readonly Group[];
  readonly workers: readonly Worker[];
  readonly ledger: Pick<Ledger, "append">;
  readonly signal: AbortSignal;
  /** Steps of a group that is being carried out. */
  readonly onSteps?: ((group: Group, steps: number) => void) | undefined;
  readonly onGroup?: ((group: Group, outcomes: readonly Outcome[]) => void) | undefined;
}

/**
 * Carries out all groups. A group whose worker fails is a failure of its units, and the worker goes on with the next.
 *
 * @returns the units that have no row, in the order in which they failed.
 * @throws the signal's reason; whatever the ledger throws.
 */
export const runLocally = async ({
  groups,
  workers,
  ledger,
  signal,
  onSteps,
  onGroup,
}: LocalRun): Promise<readonly Failure[]> => {
  const schedule = createSchedule(groups);
  const failed: Failure[] = [];
  const broken = new AbortController();
  const stop = AbortSignal.any([signal, broken.signal]);
  const performed = async (worker: Worker, group: Group): Promise<readonly Outcome[]> => {
    try {
      return await worker.perform(group, { signal: stop, onSteps: (steps) => onSteps?.(group, steps) });
    } catch (cause) {
      stop.throwIfAborted();
      return group.units.map((unit) => ({ unit, error: reasonOf(cause) }));
    }
  };
  const work = async (worker: Worker, index: number): Promise<void> => {
    for (let group = schedule.next(index); group; group = schedule.next(index)) {
      stop.throwIfAborted();
      const outcomes = await performed(worker, group);
      const rows: Row[] = outcomes.flatMap((outcome) => ("row" in outcome ? [outcome.row] : []));
      failed.push(...outcomes.flatMap((outcome) => ("row" in outcome ? [] : [outcome])));
      await ledger.append(rows);
      onGroup?.(group, outcomes);
    }
  };
  const results = await Promise.allSettled(
    workers.map(async (worker, index) => {
      try {
        await work(worker, index);
      } catch (cause) {
        broken.abort(cause);
        throw cause;
      }
    }),
  );
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return failed;
};
