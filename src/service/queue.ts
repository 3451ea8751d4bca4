/** One heavy run at a time: sessions share one memory. */

import { FaultlineError } from "../contract/failure.ts";

/**
 * Runs tasks one after another; beyond `waiting` tasks in line, a further one is refused as busy. After `stop`, what runs is
 * let end, and nothing begins any more.
 */
export const createQueue = (waiting: number, stop?: AbortSignal) => {
  let last: Promise<unknown> = Promise.resolve();
  let inLine = 0;
  const requireGoing = () => {
    if (stop?.aborted) throw new FaultlineError({ kind: "stopping" });
  };
  return async <T>(task: () => Promise<T>): Promise<T> => {
    requireGoing();
    if (inLine > waiting) throw new FaultlineError({ kind: "busy", retryAfterSeconds: 5 * inLine });
    inLine++;
    const run = last.then(() => {
      requireGoing();
      return task();
    });
    last = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      inLine--;
    }
  };
};

/** An aborted run ends as `cancelled`, whatever the abort's reason. */
export const cancellable = async <T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" }, { cause });
    throw cause;
  }
};
