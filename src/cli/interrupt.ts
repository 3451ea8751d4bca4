/** Ctrl-C: what runs ends at its next step; a second one ends the process. */

/** Runs something with a signal that SIGINT aborts, or another of these signals. */
export const interruptible = async <T>(
  run: (signal: AbortSignal) => Promise<T>,
  signals: readonly NodeJS.Signals[] = ["SIGINT"],
): Promise<T> => {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const name of signals) process.once(name, abort);
  try {
    return await run(controller.signal);
  } finally {
    for (const name of signals) process.off(name, abort);
  }
};
