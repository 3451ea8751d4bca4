/**
 * Rematerialisation: the gradient graph for a given number of bytes. Values of the forward pass are recomputed in the backward
 * pass instead of being kept: first those that take memory-bound operators only, then whole segments between checkpoints.
 */

import { cheapRepetitions, type Cheap } from "./cheap.ts";
import type { MemoryModel } from "./lives.ts";
import { once, planner } from "./plan.ts";
import { repeat, type Repetition } from "./repeat.ts";
import { orderedFile, scheduleOf, type Schedule, type TypedGraph } from "./schedule.ts";
import { max } from "./units.ts";

export type { MemoryModel } from "./lives.ts";
export type { TypedGraph } from "./schedule.ts";

/** The ratio of the planner's estimate of live bytes to the actual number lies in this range. */
const ESTIMATE = { low: 0.9, high: 1.3 };

/** Maximum number of bisection steps on the planner's byte budget. */
const MAX_BISECTIONS = 5;

/** The file of a schedule, and the number of bytes by which it exceeds the budget. */
interface Written {
  readonly schedule: Schedule;
  readonly file: TypedGraph;
  readonly excess: number;
}

type Write = (schedule: Schedule) => Written;

const fits = ({ excess }: Written): boolean => excess <= 0;

/**
 * Applies the first n cheap repetitions; n starts where the sum of their bytes covers the excess and is doubled until the graph
 * fits. If not even all of them suffice, all are applied.
 *
 * @param tooLarge whether the plain schedule is known to exceed the budget.
 */
const withCheap = (plain: Schedule, cheap: readonly Cheap[], write: Write, tooLarge: boolean): Written => {
  const first = (count: number): Written => {
    const repetitions = cheap.slice(0, count).map(({ repetition }) => repetition);
    return write(repeat(plain, repetitions));
  };
  const none = once(() => write(plain));
  if (!tooLarge && fits(none())) return none();
  const all = first(cheap.length);
  if (!fits(all)) return all;
  let spared = 0;
  let count = 1 + cheap.findIndex(({ bytes }) => (spared += bytes) >= none().excess);
  for (; count > 0 && count < cheap.length; count *= 2) {
    const found = first(count);
    if (fits(found)) return found;
  }
  return all;
};

/** Applies the plan for the largest estimated number of bytes with which the graph fits; null if none fits. */
const withSegments = ({ schedule, excess }: Written, memory: MemoryModel, write: Write): TypedGraph | null => {
  const target = max(memory.usage(schedule)) - excess;
  let [low, high] = [target / ESTIMATE.high, target / ESTIMATE.low];
  const { lowerBound, plan } = planner(schedule, memory, high);
  if (high < lowerBound || !plan(high)) return null;
  const tried = new Map<string, Written>();
  const writeOnce = (segments: readonly Repetition[]): Written => {
    const key = segments.map(({ nodes, from }) => `${nodes[0]} ${from}`).join();
    const written = tried.get(key) ?? write(repeat(schedule, segments));
    tried.set(key, written);
    return written;
  };
  let best: TypedGraph | null = null;
  let bytes = target;
  for (let attempt = 0; attempt < MAX_BISECTIONS; attempt++) {
    const segments = plan(bytes);
    const found = segments && writeOnce(segments);
    if (found && fits(found)) best = found.file;
    if (best && attempt === 0) break;
    // A smaller budget takes more work; below some budget there is no plan.
    if (found && !fits(found)) high = bytes;
    else low = bytes;
    bytes = (low + high) / 2;
  }
  return best;
};

/**
 * The graph with recomputation such that a session needs at most `room` bytes; null if none is found. Its results equal those of
 * `graph` bit for bit, unless onnxruntime fuses other nodes in the new order.
 *
 * @param plain the graph as the builder returns it: each value is defined before it is read, the backward pass follows the forward pass.
 * @param gradients names of the outputs that the backward pass computes.
 */
export const recomputed = (
  plain: TypedGraph,
  gradients: readonly string[],
  memory: MemoryModel,
  room: number,
): TypedGraph | null => {
  const schedule = scheduleOf(plain, gradients, memory.order);
  const write: Write = (changed) => {
    const file = orderedFile(changed, plain.graph);
    return { schedule: changed, file, excess: memory.need(file) - room };
  };
  // A session needs at least the bytes that are alive.
  const tooLarge = max(memory.usage(schedule)) > room;
  const found = withCheap(schedule, cheapRepetitions(schedule, memory), write, tooLarge);
  return fits(found) ? found.file : withSegments(found, memory, write);
};
