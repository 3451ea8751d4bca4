/** One heavy run at a time: sessions share one memory. */

import { FaultlineError } from "../contract/failure.ts";

/** A task that waits for its turn. */
interface Waiting {
  readonly begin: () => void;
}

export interface QueueOptions {
  /** Tasks that may wait while one runs. */
  readonly waiting: number;
  /** Once aborted, the task that runs may end, and no other begins. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * Runs tasks one after another. A task whose signal is aborted while it waits leaves the line at once and never begins, so that
 * the next one takes its place; a task that has begun watches its signal itself.
 *
 * The tasks reject with FaultlineError `busy` if more than `waiting` wait already, `stopping` after `stop`, and `cancelled` if
 * the signal was aborted before they began.
 */
export const createQueue = ({ waiting, stop }: QueueOptions) => {
  const line = new Set<Waiting>();
  let running = false;
  const next = (): void => {
    const [first] = line;
    if (running || !first) return;
    line.delete(first);
    running = true;
    first.begin();
  };
  /** Resolves when it is this task's turn. */
  const turn = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        line.delete(entry);
        reject(new FaultlineError({ kind: "cancelled" }));
      };
      const entry: Waiting = {
        begin: () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      line.add(entry);
      next();
    });
  const requireGoing = (signal: AbortSignal | undefined): void => {
    if (stop?.aborted) throw new FaultlineError({ kind: "stopping" });
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
  };
  return async <T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    requireGoing(signal);
    const ahead = line.size + Number(running);
    if (ahead > waiting) throw new FaultlineError({ kind: "busy", retryAfterSeconds: 5 * ahead });
    await turn(signal);
    try {
      requireGoing(signal);
      return await task();
    } finally {
      running = false;
      next();
    }
  };
};

/** A run that was aborted ends as `cancelled`, whatever the reason of the abort. */
export const cancellable = async <T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" }, { cause });
    throw cause;
  }
};
