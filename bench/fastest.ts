/** How long things take beside each other. */

/** A task, run once: the milliseconds it took. */
export type Timed = () => Promise<number>;

/**
 * The processor's time: on one thread of an idle machine that is the time that passes; on a busy one it leaves out the turns
 * of others, of which a run of twenty seconds sees more than one of a tenth.
 */
export const timed =
  (task: () => Promise<unknown>): Timed =>
  async () => {
    const start = process.cpuUsage();
    await task();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };

/** The time that passes: for more threads than one, whose processor times add up. */
export const elapsed =
  (task: () => Promise<unknown>): Timed =>
  async () => {
    const start = performance.now();
    await task();
    return performance.now() - start;
  };

/** Tasks that take longer are run once after that one. */
const slow = 2000;

/** The fastest of interleaved runs, after one that does not count: crowded caches and slower clocks then cost all the same. */
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
