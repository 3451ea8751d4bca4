/** The promise; where it rejects, what was done before is undone first. What fails of that is not told: the first error is the reason. */
export const orUndo = async <T>(promise: Promise<T>, undo: () => Promise<unknown>): Promise<T> => {
  try {
    return await promise;
  } catch (cause) {
    await undo().catch(() => undefined);
    throw cause;
  }
};
