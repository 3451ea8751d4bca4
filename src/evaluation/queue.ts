/** One heavy run at a time: sessions share one memory. */

import { FaultlineError } from "./failure.ts";

/** Runs tasks one after another; beyond `waiting` tasks in line, a further one is refused as busy. */
export const createQueue = (waiting: number) => {
  let last: Promise<unknown> = Promise.resolve();
  let inLine = 0;
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (inLine > waiting) throw new FaultlineError({ kind: "busy", retryAfterSeconds: 5 * inLine });
    inLine++;
    const run = last.then(task);
    last = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      inLine--;
    }
  };
};
