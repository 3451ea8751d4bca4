/** A run: workers take parcels, rows are kept as they come, failures are gathered. The workers may be anywhere. */

import { reasonOf } from "../reason.ts";
import type { Ledger } from "./ledger.ts";
import type { Failure, Outcome } from "./perform.ts";
import { createSchedule } from "./schedule.ts";
import type { Parcel, Worker } from "./worker.ts";

export interface Run {
  readonly parcels: readonly Parcel[];
  readonly workers: readonly Worker[];
  readonly ledger: Pick<Ledger, "record">;
  readonly signal: AbortSignal;
  /** Milliseconds between attempts of the ledger; after the last the run ends with its error. */
  readonly pauses?: readonly number[] | undefined;
  /** Steps of a parcel that is being carried out. */
  readonly onSteps?: ((parcel: Parcel, steps: number) => void) | undefined;
  readonly onParcel?: ((parcel: Parcel, outcomes: readonly Outcome[]) => void) | undefined;
}

/** How often a group is given out before it is taken to be what ends its workers. */
const ATTEMPTS = 3;

/** 15 s in all: a disk or a database that is away for longer is not coming back by itself. */
const PAUSES = [100, 400, 1500, 4000, 9000] as const;

/** Resolves after a time. @throws the signal's reason. */
const paused = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });

/**
 * Carries out all parcels. Where a worker dies, what it had is given out again, group by group; a group that ends its worker each time
 * is a failure of its units. Rows are kept before anything is acknowledged, and a row that comes twice counts once.
 *
 * @returns the units that have no row, in the order in which they failed.
 * @throws the signal's reason; what the ledger throws after its last attempt.
 */
export const runParcels = async (run: Run): Promise<readonly Failure[]> => {
  const { parcels, workers, ledger, pauses = PAUSES, onSteps, onParcel } = run;
  const schedule = createSchedule(parcels);
  const failed: Failure[] = [];
  const broken = new AbortController();
  const stop = AbortSignal.any([run.signal, broken.signal]);
  const record = async (outcomes: readonly Outcome[], attempt = 0): Promise<void> => {
    try {
      await ledger.record(outcomes.flatMap((outcome) => ("row" in outcome ? [outcome.row] : [])));
    } catch (cause) {
      const pause = pauses[attempt];
      if (pause === undefined) throw cause;
      await paused(pause, stop);
      await record(outcomes, attempt + 1);
    }
  };
  const ended = async (parcel: Parcel, outcomes: readonly Outcome[]): Promise<void> => {
    await record(outcomes);
    failed.push(...outcomes.flatMap((outcome) => ("row" in outcome ? [] : [outcome])));
    onParcel?.(parcel, outcomes);
  };
  const performed = async (worker: Worker, parcel: Parcel, attempt = 1): Promise<void> => {
    let outcomes: readonly Outcome[];
    try {
      outcomes = await worker.perform(parcel, { signal: stop, onSteps: (steps) => onSteps?.(parcel, steps) });
    } catch (cause) {
      stop.throwIfAborted();
      if (parcel.length > 1) for (const group of parcel) await performed(worker, [group]);
      else if (attempt < ATTEMPTS) await performed(worker, parcel, attempt + 1);
      else
        await ended(
          parcel,
          parcel[0]!.units.map((unit) => ({ unit, error: reasonOf(cause) })),
        );
      return;
    }
    await ended(parcel, outcomes);
    await worker.kept?.(parcel);
  };
  const work = async (worker: Worker, index: number): Promise<void> => {
    for (let parcel = schedule.next(index); parcel; parcel = schedule.next(index)) {
      stop.throwIfAborted();
      await performed(worker, parcel);
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
