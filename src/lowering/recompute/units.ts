/** The forward pass divided into units, with the memory that each unit keeps and needs. */

import { isCheap } from "./cost.ts";
import type { Life, Lives, MemoryModel } from "./lives.ts";
import { readersOf, type Schedule } from "./schedule.ts";

/** Maximum number of units. The planner's work grows with its square. */
const MAX_UNITS = 32;

/** The forward pass, cut where few bytes are alive; a unit lies between two consecutive cuts. */
export interface Units {
  /** Positions in the schedule, from 0 to the end of the forward pass. */
  readonly cuts: readonly number[];
  /** For each cut, the position from which on the backward pass reads nothing that was computed at or after the cut. */
  readonly done: readonly number[];
  /** Bytes of each unit that are kept until its own backward pass. */
  readonly saved: readonly number[];
  /** Maximum number of bytes alive in each unit's forward and backward pass, without those that earlier units saved. */
  readonly forwardPeak: readonly number[];
  readonly backwardPeak: readonly number[];
  /** For each cut, the bytes alive where the backward pass reaches it, without those that earlier units saved. */
  readonly arriving: readonly number[];
}

/** The position of the last read in the backward pass; -1 if there is none. */
export const last = (life: Life): number => life.reads.at(-1) ?? -1;
export const total = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0);
export const max = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

/** For each position, the bytes alive across it that only the forward pass reads. */
const carriedOver = (lives: readonly Life[], turn: number): number[] => {
  const change = Array.from({ length: turn + 2 }, () => 0);
  for (const { bytes, made, lastForward, reads } of lives) {
    if (reads.length > 0 || lastForward <= made) continue;
    change[made + 1]! += bytes;
    change[lastForward + 1]! -= bytes;
  }
  let sum = 0;
  return change.map((c) => (sum += c));
};

/** Maximum size of a unit, in multiples of the mean of saved bytes per unit. */
const MAX_WIDTH = 2.5;

/** Positions between a product and its only reader. onnxruntime fuses the two, which another reader would prevent. */
const fusedOver = ({ graph: { nodes } }: Schedule): ReadonlySet<number> => {
  const readers = readersOf(nodes);
  const made = new Map<string, number>();
  /** The change, at each position, of the number of such pairs that enclose it. */
  const change = new Int32Array(nodes.length + 1);
  for (const [place, node] of nodes.entries()) {
    for (const name of node.inputs) {
      const from = made.get(name);
      if (from === undefined || readers.get(name) !== 1) continue;
      change[from + 1]! += 1;
      change[place + 1]! -= 1;
    }
    if (!isCheap(node)) for (const name of node.outputs) made.set(name, place);
  }
  let around = 0;
  return new Set(nodes.flatMap((_, place) => ((around += change[place]!) > 0 ? [place] : [])));
};

/** Cuts such that the units save about the same number of bytes, each where the fewest bytes are carried across it. */
const cutsOf = (schedule: Schedule, lives: readonly Life[]): number[] => {
  const { turn } = schedule;
  const fused = fusedOver(schedule);
  const savedAt = Array.from({ length: turn }, () => 0);
  for (const { bytes, made, reads } of lives) if (made < turn && reads.length > 0) savedAt[made]! += bytes;
  const step = total(savedAt) / MAX_UNITS;
  const carried = carriedOver(lives, turn);
  const cuts = [0];
  let [best, since, sinceBest] = [0, 0, 0];
  for (let place = 1; place < turn; place++) {
    since += savedAt[place - 1]!;
    sinceBest += savedAt[place - 1]!;
    if (since < step || fused.has(place)) continue;
    if (best === 0 || (carried[place]! <= carried[best]! && since < MAX_WIDTH * step)) [best, sinceBest] = [place, 0];
    if (since < MAX_WIDTH * step) continue;
    cuts.push(best);
    [best, since] = [0, sinceBest];
  }
  return [...cuts, turn];
};

export const unitsOf = (schedule: Schedule, all: Lives, memory: MemoryModel): Units => {
  const { turn } = schedule;
  const lives = [...all.values()];
  const cuts = cutsOf(schedule, lives);
  const done = cuts.map((cut) =>
    lives.reduce((latest, v) => (v.made >= cut && v.made < turn ? Math.max(latest, last(v) + 1) : latest), turn),
  );
  const units = cuts.slice(1).map((_, k) => k);
  const saved = units.map((k) =>
    total(
      lives.filter((v) => v.made >= cuts[k]! && v.made < cuts[k + 1]! && last(v) >= done[k + 1]!).map((v) => v.bytes),
    ),
  );
  const bytes = memory.usage(schedule);
  const before = cuts.map((_, k) => total(saved.slice(0, k)));
  const peak = (from: number, to: number, k: number) => max(bytes.slice(from, to)) - before[k]!;
  return {
    cuts,
    done,
    saved,
    forwardPeak: units.map((k) => peak(cuts[k]!, cuts[k + 1]!, k)),
    backwardPeak: units.map((k) => peak(done[k + 1]!, k === 0 ? bytes.length : done[k]!, k)),
    arriving: cuts.map((_, k) => Math.min(bytes[done[k]! - 1] ?? Infinity, bytes[done[k]!] ?? Infinity) - before[k]!),
  };
};
