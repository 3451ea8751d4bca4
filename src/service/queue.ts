/** One heavy run at a time: sessions share one memory. */

import { FaultlineError } from "../contract/failure.ts";

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
  // A chain of promises: workerd cancels a request that waits for a promise which another request is to resolve by hand.
  let last: Promise<unknown> = Promise.resolve();
  let inLine = 0;
  const requireGoing = (signal: AbortSignal | undefined): void => {
    if (stop?.aborted) throw new FaultlineError({ kind: "stopping" });
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
  };
  return async <T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    requireGoing(signal);
    if (inLine > waiting) throw new FaultlineError({ kind: "busy", retryAfterSeconds: 5 * inLine });
    inLine += 1;
    const { promise: departure, leave, begin } = placeInLine(signal, () => (inLine -= 1));
    const run = last.then(() => {
      begin();
      requireGoing(signal);
      return task();
    });
    last = run.catch(() => undefined);
    try {
      return await Promise.race([run, departure]);
    } finally {
      leave();
    }
  };
};

/** A task's place: `promise` rejects if the signal is aborted before the task begins; `free` is called once, when the place is left. */
const placeInLine = (signal: AbortSignal | undefined, free: () => void) => {
  let [begun, left] = [false, false];
  let abort = (): void => undefined;
  const leave = (): void => {
    signal?.removeEventListener("abort", abort);
    if (!left) free();
    left = true;
  };
  const promise = new Promise<never>((_, reject) => {
    abort = () => {
      if (begun) return;
      leave();
      reject(new FaultlineError({ kind: "cancelled" }));
    };
  });
  signal?.addEventListener("abort", abort, { once: true });
  return { promise, leave, begin: () => void (begun = true) };
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
