/** Ctrl-C: what runs ends at its next step; a second one ends the process. */

/** Runs something with a signal that SIGINT aborts. */
export const interruptible = async <T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.once("SIGINT", abort);
  try {
    return await run(controller.signal);
  } finally {
    process.off("SIGINT", abort);
  }
};
