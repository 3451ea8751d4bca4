/** Timing of interleaved tasks. */

/** Runs a task once and returns its milliseconds. */
export type Timed = () => Promise<number>;

/**
 * Processor time. On one thread of an idle machine it equals wall-clock time; on a busy machine it excludes the time of other
 * processes, of which a run of twenty seconds sees more than one of a tenth of a second.
 */
export const timed =
  (task: () => Promise<unknown>): Timed =>
  async () => {
    const start = process.cpuUsage();
    await task();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };

/** Wall-clock time, for several threads, whose processor times would add up. */
export const elapsed =
  (task: () => Promise<unknown>): Timed =>
  async () => {
    const start = performance.now();
    await task();
    return performance.now() - start;
  };

/** Tasks that take longer are run only once after the first run. */
const slow = 2000;

/** The fastest of interleaved runs after a warm-up, so that cache contention and slower clocks affect all tasks alike. */
export const fastest = async (runs: number, tasks: readonly Timed[]): Promise<number[]> => {
  const best = tasks.map(() => Infinity);
  for (let i = 0; i <= runs; i++) {
    for (const [k, task] of tasks.entries()) {
      if (i > 1 && best[k]! > slow) continue;
      const ms = await task();
      if (i > 0) best[k] = Math.min(best[k]!, ms);
    }
  }
  return best;
};
