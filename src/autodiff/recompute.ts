/**
 * A gradient within a number of bytes: what the forward pass leaves for the backward pass is made again there, first what costs
 * but reading and writing, then whole segments between checkpoints.
 */

import { cheapRepetitions, type Cheap } from "./recompute/cheap.ts";
import type { MemoryModel } from "./recompute/lives.ts";
import { repeat } from "./recompute/repeat.ts";
import { filed, scheduleOf, type Schedule, type TypedGraph } from "./recompute/schedule.ts";
import { planner } from "./recompute/segments.ts";

export type { MemoryModel } from "./recompute/lives.ts";
export type { TypedGraph } from "./recompute/schedule.ts";

/** How often the bytes that segments are planned for are halved in on. */
const ATTEMPTS = 6;

/** A file, and by how many bytes it does not fit. */
type Write = (schedule: Schedule) => { readonly file: TypedGraph; readonly excess: number };

/** The first of the cheap repetitions that suffice, by doubling from what their bytes promise; null where all do not. */
const withCheap = (plain: Schedule, cheap: readonly Cheap[], write: Write): TypedGraph | null => {
  const { file, excess } = write(plain);
  if (excess <= 0) return file;
  let spared = 0;
  let count = 1 + cheap.findIndex(({ bytes }) => (spared += bytes) >= excess);
  while (count > 0) {
    const found = write(
      repeat(
        plain,
        cheap.slice(0, count).map(({ repetition }) => repetition),
      ),
    );
    if (found.excess <= 0) return found.file;
    count = count < cheap.length ? Math.min(2 * count, cheap.length) : 0;
  }
  return null;
};

/** Segments for the most bytes that the planner may think are alive; halving in on them, as its account is not exact. */
const withSegments = (start: Schedule, memory: MemoryModel, write: Write): TypedGraph | null => {
  const plan = planner(start, memory);
  const peak = memory.usage(start).reduce((a, b) => Math.max(a, b), 0);
  let [low, high] = [peak / 4, peak];
  let best: TypedGraph | null = null;
  let bytes = peak - Math.max(0, write(start).excess);
  for (let attempt = 0; attempt < ATTEMPTS && bytes > low; attempt++) {
    const segments = plan(bytes);
    const { file, excess } = segments ? write(repeat(start, segments)) : { file: null, excess: 0 };
    if (file && excess <= 0) best = file;
    if (best && attempt === 0) break;
    // Fewer bytes take more work; too few have no plan.
    if (excess > 0) high = bytes;
    else low = bytes;
    bytes = (low + high) / 2;
  }
  return best;
};

/**
 * The graph so written that a session of it needs at most `room` bytes, with little repeated; null where no way is found. Its
 * results are those of `graph`, to the bit.
 *
 * @param plain as the builder gives it: each value defined before it is read, the backward pass after the forward pass.
 * @param gradients names of those outputs that the backward pass makes.
 */
export const recomputed = (
  plain: TypedGraph,
  gradients: readonly string[],
  memory: MemoryModel,
  room: number,
): TypedGraph | null => {
  const schedule = scheduleOf(plain, gradients, memory.order);
  const write: Write = (changed) => {
    const file = filed(changed, plain.graph);
    return { file, excess: memory.need(file) - room };
  };
  const cheap = cheapRepetitions(schedule, memory);
  return (
    withCheap(schedule, cheap, write) ??
    withSegments(
      repeat(
        schedule,
        cheap.map(({ repetition }) => repetition),
      ),
      memory,
      write,
    )
  );
};
