/** Turns of the event loop. */

/**
 * Returns a function each of whose calls resolves in an iteration of the event loop of its own, in the order of the calls, so that
 * the work of several requests does not come together in one iteration.
 */
export const ownTurns = (): (() => Promise<void>) => {
  let last: Promise<void> = Promise.resolve();
  return () => {
    // An immediate that is set by another one runs in the next iteration.
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return last;
  };
};
