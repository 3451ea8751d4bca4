/** In whose turn calls are made: one after another, or some at a time. */

/** Runs calls one after another: each starts when the one before it has ended, however it ended. */
export const oneAtATime = (): (<T>(call: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (call) => {
    const next = last.then(call, call);
    last = next.catch(() => undefined);
    return next;
  };
};

/** Runs a task for each value, some at a time. */
export const each = async <T>(
  values: readonly T[],
  parallel: number,
  run: (value: T) => Promise<void>,
): Promise<void> => {
  const left = values.values();
  const work = async (): Promise<void> => {
    for (const value of left) await run(value);
  };
  await Promise.all(Array.from({ length: parallel }, work));
};
