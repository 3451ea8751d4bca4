/** One heavy run at a time: sessions share one memory. */

import { FaultlineError } from "../contract/failure.ts";

export interface QueueOptions {
  /** Tasks that may wait while one runs. */
  readonly waiting: number;
  /** Once aborted, the task that runs may end, and no other begins. */
  readonly stop?: AbortSignal | undefined;
  /** The time in milliseconds; by default the clock of the runtime. */
  readonly now?: (() => number) | undefined;
}

/** Bounds of the seconds after which a refused request may come again. */
const RETRY_SECONDS = { least: 1, most: 30 };
/** Weight of the latest task in the mean duration of tasks. */
const LATEST = 0.2;

/** The exponentially weighted mean of the durations of tasks in milliseconds; 0 before the first one. */
const meanDuration = (now: () => number) => {
  let mean: number | undefined;
  return {
    current: (): number => mean ?? 0,
    measured: async <T>(task: () => Promise<T>): Promise<T> => {
      const start = now();
      try {
        return await task();
      } finally {
        const taken = now() - start;
        mean = mean === undefined ? taken : mean + LATEST * (taken - mean);
      }
    },
  };
};

/**
 * Runs tasks one after another. A task whose signal is aborted while it waits leaves the line at once and never begins, so that
 * the next one takes its place; a task that has begun watches its signal itself.
 *
 * The tasks reject with FaultlineError `busy` if more than `waiting` wait already, `stopping` after `stop`, and `cancelled` if
 * the signal was aborted before they began.
 */
export const createQueue = ({ waiting, stop, now = () => performance.now() }: QueueOptions) => {
  // A chain of promises: workerd cancels a request that waits for a promise which another request is to resolve by hand.
  let last: Promise<unknown> = Promise.resolve();
  let inLine = 0;
  const duration = meanDuration(now);
  /** The time in which half of the line is served. */
  const retryAfterSeconds = (): number => {
    const seconds = Math.ceil((duration.current() * inLine) / 2 / 1000);
    return Math.min(RETRY_SECONDS.most, Math.max(RETRY_SECONDS.least, seconds));
  };
  const requireGoing = (signal: AbortSignal | undefined): void => {
    if (stop?.aborted) throw new FaultlineError({ kind: "stopping" });
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
  };
  return async <T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    requireGoing(signal);
    if (inLine > waiting) throw new FaultlineError({ kind: "busy", retryAfterSeconds: retryAfterSeconds() });
    inLine += 1;
    const { promise: departure, leave, begin } = placeInLine(signal, () => (inLine -= 1));
    const run = last.then(() => {
      begin();
      requireGoing(signal);
      return duration.measured(task);
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
