/** Waiting for what may never come. */

/** What one side rings and the other waits for; a ring that nobody waits for is kept for the next who does. */
export const createBell = () => {
  let isRung = false;
  let wake = (): void => {};
  return {
    ring: (): void => {
      isRung = true;
      wake();
    },
    /** Resolves after a ring, or after so many milliseconds. */
    rung: async (milliseconds: number): Promise<void> => {
      if (!isRung)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          wake = (): void => {
            clearTimeout(timer);
            resolve();
          };
        });
      isRung = false;
    },
  };
};

/** The promise, or the signal's reason. */
export const orAbort = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    promise.catch(() => undefined);
    signal.removeEventListener("abort", stop);
  }
};

/** Waits for a promise, whatever it comes to, but no longer than so many milliseconds. */
export const within = async (milliseconds: number, promise: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => void (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
};
