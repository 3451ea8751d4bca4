/**
 * Selects the segments of the forward pass that are executed again in the backward pass (checkpointing: Griewank and Walther 2000;
 * Chen et al. 2016), with minimum work for a given number of bytes.
 */

import { livesOf, type MemoryModel } from "./lives.ts";
import type { Repetition } from "./repeat.ts";
import type { Schedule } from "./schedule.ts";
import { describer, type Segment } from "./segments.ts";
import { max, unitsOf } from "./units.ts";

/** Evaluates `make` at the first call and returns the same value at every later one. */
export const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};

/** The decisions for all units before a cut. */
interface Plan {
  readonly kept: number;
  readonly cost: number;
  readonly repeats: boolean;
  readonly segments: readonly Segment[];
}

/** Maximum number of plans kept at a cut. The fronts of the shipped networks have up to 36. */
const MAX_FRONT = 128;

/** The Pareto front in cost and kept bytes, by ascending cost; of a larger front, evenly spaced plans with both ends. */
const pareto = (plans: readonly Plan[]): Plan[] => {
  let smallest = Infinity;
  const front = plans
    .toSorted((a, b) => a.cost - b.cost || a.kept - b.kept)
    .filter(({ kept }) => {
      const better = kept < smallest;
      if (better) smallest = kept;
      return better;
    });
  if (front.length <= MAX_FRONT) return front;
  const gap = (front.length - 1) / (MAX_FRONT - 1);
  return Array.from({ length: MAX_FRONT }, (_, i) => front[Math.round(i * gap)]!);
};

/** Selects the segments of a schedule that are executed again. */
interface Planner {
  /** Lower bound on the bytes of any plan: the peak of the largest single unit. */
  readonly lowerBound: number;
  /** The plan with minimum work whose estimated peak is at most `bytes`; null if there is none. */
  readonly plan: (bytes: number) => readonly Repetition[] | null;
}

/** Dynamic programming over the cuts; `limit` is the largest number of bytes that will be planned for. */
export const planner = (schedule: Schedule, memory: MemoryModel, limit: number): Planner => {
  const lives = livesOf(schedule);
  const units = unitsOf(schedule, lives, memory);
  const describe = describer(schedule, units, lives, limit);
  const count = units.saved.length;
  /** The segments that start at each cut, described at the first use. */
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
  return { lowerBound: max(peaks), plan };
};
