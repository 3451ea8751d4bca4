/**
 * A gradient within a number of bytes: what the forward pass leaves for the backward pass is made again there, first what costs
 * but reading and writing, then whole segments between checkpoints.
 */

import { cheapRepetitions, type Cheap } from "./cheap.ts";
import type { MemoryModel } from "./lives.ts";
import { once, planner } from "./plan.ts";
import { repeat, type Repetition } from "./repeat.ts";
import { filed, scheduleOf, type Schedule, type TypedGraph } from "./schedule.ts";
import { most } from "./units.ts";

export type { MemoryModel } from "./lives.ts";
export type { TypedGraph } from "./schedule.ts";

/** The shares of what the planner thinks is alive between which the truth lies. */
const ACCOUNT = { least: 0.9, most: 1.3 };

/** How often the bytes that segments are planned for are halved in on. */
const ATTEMPTS = 5;

/** A schedule's file, and by how many bytes it does not fit. */
interface Written {
  readonly schedule: Schedule;
  readonly file: TypedGraph;
  readonly excess: number;
}

type Write = (schedule: Schedule) => Written;

const fits = ({ excess }: Written): boolean => excess <= 0;

/**
 * With the first of the cheap repetitions that suffice, by doubling from what their bytes promise; with all where these do not.
 *
 * @param hopeless whether the schedule as it is cannot fit.
 */
const withCheap = (plain: Schedule, cheap: readonly Cheap[], write: Write, hopeless: boolean): Written => {
  const first = (count: number): Written => {
    const repetitions = cheap.slice(0, count).map(({ repetition }) => repetition);
    return write(repeat(plain, repetitions));
  };
  const none = once(() => write(plain));
  if (!hopeless && fits(none())) return none();
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

/** With the segments for the most bytes that the planner may think are alive; null where none suffice. */
const withSegments = ({ schedule, excess }: Written, memory: MemoryModel, write: Write): TypedGraph | null => {
  const wanted = most(memory.usage(schedule)) - excess;
  let [low, high] = [wanted / ACCOUNT.most, wanted / ACCOUNT.least];
  const { least, plan } = planner(schedule, memory, high);
  if (high < least || !plan(high)) return null;
  const tried = new Map<string, Written>();
  const writeOnce = (segments: readonly Repetition[]): Written => {
    const key = segments.map(({ nodes, from }) => `${nodes[0]} ${from}`).join();
    const written = tried.get(key) ?? write(repeat(schedule, segments));
    tried.set(key, written);
    return written;
  };
  let best: TypedGraph | null = null;
  let bytes = wanted;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const segments = plan(bytes);
    const found = segments && writeOnce(segments);
    if (found && fits(found)) best = found.file;
    if (best && attempt === 0) break;
    // Fewer bytes take more work; too few have no plan.
    if (found && !fits(found)) high = bytes;
    else low = bytes;
    bytes = (low + high) / 2;
  }
  return best;
};

/**
 * The graph so written that a session of it needs at most `room` bytes, with little repeated; null where no way is found. Its
 * results are those of `graph`: to the bit, unless onnxruntime fuses other nodes in the other order.
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
    return { schedule: changed, file, excess: memory.need(file) - room };
  };
  // A session needs more than is alive.
  const hopeless = most(memory.usage(schedule)) > room;
  const found = withCheap(schedule, cheapRepetitions(schedule, memory), write, hopeless);
  return fits(found) ? found.file : withSegments(found, memory, write);
};
