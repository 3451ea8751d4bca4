/**
 * Which segments of the forward pass are executed again in the backward pass (checkpointing: Griewank and Walther 2000; Chen et
 * al. 2016), for the least work within a number of bytes.
 */

import { livesOf, type MemoryModel } from "./lives.ts";
import type { Repetition } from "./repeat.ts";
import type { Schedule } from "./schedule.ts";
import { describer, type Segment } from "./segments.ts";
import { most, unitsOf } from "./units.ts";

/** Made when it is first asked for. */
export const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};

/** What is decided up to a cut. */
interface Plan {
  readonly kept: number;
  readonly cost: number;
  readonly repeats: boolean;
  readonly segments: readonly Segment[];
}

/** Those that no other betters in both. */
const pareto = (plans: readonly Plan[]): Plan[] => {
  let least = Infinity;
  return plans
    .toSorted((a, b) => a.cost - b.cost || a.kept - b.kept)
    .filter(({ kept }) => {
      const better = kept < least;
      if (better) least = kept;
      return better;
    });
};

/** Of the segments of a schedule. */
export interface Planner {
  /** No plan keeps to fewer bytes: some unit takes as many by itself. */
  readonly least: number;
  /** The least work for which, by its account, no more than `bytes` are alive; null where none does. */
  readonly plan: (bytes: number) => readonly Repetition[] | null;
}

/** Plans by dynamic programming over the cuts, for up to `limit` bytes. */
export const planner = (schedule: Schedule, memory: MemoryModel, limit: number): Planner => {
  const lives = livesOf(schedule);
  const units = unitsOf(schedule, lives, memory);
  const describe = describer(schedule, units, lives, limit);
  const count = units.saved.length;
  /** From each cut, described when first asked for. */
  const segments = units.saved.map((_, first) =>
    once(() =>
      Array.from({ length: count - 1 - first }, (__, i) => describe(first, first + 1 + i)).filter((s) => s !== null),
    ),
  );
  const peaks = units.saved.map((_, k) => Math.max(units.forwardPeak[k]!, units.backwardPeak[k]!));
  const plan = (bytes: number): readonly Repetition[] | null => {
    const plans: Plan[][] = [...units.saved, 0].map(() => []);
    plans[0]!.push({ kept: 0, cost: 0, repeats: false, segments: [] });
    for (let k = 0; k < count; k++) {
      for (const before of pareto(plans[k]!)) {
        if (before.kept + peaks[k]! <= bytes)
          plans[k + 1]!.push({ ...before, kept: before.kept + units.saved[k]!, repeats: false });
        for (const segment of segments[k]!()) {
          if (before.kept + segment.peak > bytes) continue;
          plans[segment.end]!.push({
            kept: before.kept + (before.repeats ? segment.fresh : segment.kept),
            cost: before.cost + segment.cost,
            repeats: true,
            segments: [...before.segments, segment],
          });
        }
      }
    }
    return pareto(plans[count]!)[0]?.segments ?? null;
  };
  return { least: most(peaks), plan };
};
