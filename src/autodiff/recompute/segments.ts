/**
 * Which segments of the forward pass are executed again in the backward pass (checkpointing: Griewank and Walther 2000; Chen et
 * al. 2016), for the least work within a number of bytes.
 */

import { costOf, isCheap } from "./cost.ts";
import { livesOf, type Life, type MemoryModel } from "./lives.ts";
import type { Repetition } from "./repeat.ts";
import { readersOf, variable, type Schedule } from "./schedule.ts";

/** At most so many stretches between cuts; what is planned grows with its square. */
const UNITS = 32;

/** The forward pass, cut where little is alive; a unit lies between two cuts. */
export interface Units {
  /** Places in the schedule, from 0 to the end of the forward pass. */
  readonly cuts: readonly number[];
  /** From here on the backward pass reads nothing that was made at or after that cut. */
  readonly done: readonly number[];
  /** Bytes of each unit that live on until its own backward pass. */
  readonly saved: readonly number[];
  /** Most bytes alive in each unit's forward and backward pass, without what earlier units saved. */
  readonly forwardPeak: readonly number[];
  readonly backwardPeak: readonly number[];
  /** Of these, what is alive where each cut's backward pass starts. */
  readonly arriving: readonly number[];
}

const last = (life: Life): number => life.reads.at(-1) ?? -1;
const total = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0);
export const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

/** Bytes carried on by the forward pass alone over each place. */
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

/** A unit that saves so many times more than the smallest has been cut too late. */
const WIDEST = 2.5;

/** Places between a product and its only reader: onnxruntime fuses the two, which a further reader would prevent. */
const fusedOver = ({ graph: { nodes } }: Schedule): ReadonlySet<number> => {
  const readers = readersOf(nodes);
  const [made, places] = [new Map<string, number>(), new Set<number>()];
  for (const [place, node] of nodes.entries()) {
    for (const name of node.inputs)
      for (let p = (made.get(name) ?? place) + 1; p <= place; p++) if (readers.get(name) === 1) places.add(p);
    if (!isCheap(node)) for (const name of node.outputs) made.set(name, place);
  }
  return places;
};

/** Cuts such that units save about equally much, each where the least is carried over it. */
const cutsOf = (schedule: Schedule, lives: readonly Life[]): number[] => {
  const { turn } = schedule;
  const fused = fusedOver(schedule);
  const savedAt = Array.from({ length: turn }, () => 0);
  for (const { bytes, made, reads } of lives) if (made < turn && reads.length > 0) savedAt[made]! += bytes;
  const step = total(savedAt) / UNITS;
  const carried = carriedOver(lives, turn);
  const cuts = [0];
  let [best, since, sinceBest] = [0, 0, 0];
  for (let place = 1; place < turn; place++) {
    since += savedAt[place - 1]!;
    sinceBest += savedAt[place - 1]!;
    if (since < step || fused.has(place)) continue;
    if (best === 0 || (carried[place]! <= carried[best]! && since < WIDEST * step)) [best, sinceBest] = [place, 0];
    if (since < WIDEST * step) continue;
    cuts.push(best);
    [best, since] = [0, sinceBest];
  }
  return [...cuts, turn];
};

export const unitsOf = (schedule: Schedule, memory: MemoryModel): Units => {
  const { turn } = schedule;
  const lives = [...livesOf(schedule).values()];
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
  const peak = (from: number, to: number, k: number) => most(bytes.slice(from, to)) - before[k]!;
  return {
    cuts,
    done,
    saved,
    forwardPeak: units.map((k) => peak(cuts[k]!, cuts[k + 1]!, k)),
    backwardPeak: units.map((k) => peak(done[k + 1]!, k === 0 ? bytes.length : done[k]!, k)),
    arriving: cuts.map((_, k) => Math.min(bytes[done[k]! - 1] ?? Infinity, bytes[done[k]!] ?? Infinity) - before[k]!),
  };
};

/** Units `first` … `end` − 1, executed again before their backward pass. */
interface Segment extends Repetition {
  readonly first: number;
  readonly end: number;
  readonly cost: number;
  /** Bytes kept for it: what it starts from, what the backward pass of later units reads. With `fresh` of them where the unit before is executed again. */
  readonly kept: number;
  readonly fresh: number;
  /** Bytes alive at most, beside what earlier units keep. */
  readonly peak: number;
}

/** Describes any segment of a schedule; null where it repeats nothing, or more than `limit` bytes are alive at once. */
const describer = (schedule: Schedule, units: Units, limit: number) => {
  const { graph, types, turn } = schedule;
  const { cuts, done, saved, forwardPeak, backwardPeak, arriving } = units;
  const lives = livesOf(schedule);
  const varying = variable(graph);
  const lastRead = new Map<string, number>();
  for (const [i, node] of graph.nodes.entries()) if (i >= turn) for (const name of node.inputs) lastRead.set(name, i);
  const unitOf = (place: number): number => cuts.findLastIndex((cut) => cut <= place);
  const isSaved = (v: Life): boolean => v.made < turn && last(v) >= done[unitOf(v.made) + 1]!;

  return (first: number, end: number): Segment | null => {
    const [start, stop, from] = [cuts[first]!, cuts[end]!, done[end]!];
    const spans = Array.from({ length: end - first }, (_, i) => first + i);
    const inside = (k: number) => total(saved.slice(first, k));
    const backward = most(spans.map((k) => backwardPeak[k]! + inside(k)));
    if (backward > limit) return null;
    const wanted = new Set<string>();
    const sources = new Set<string>();
    const nodes: number[] = [];
    for (let place = stop - 1; place >= start; place--) {
      const node = graph.nodes[place]!;
      if (!varying.has(node)) continue;
      if (!node.outputs.some((name) => wanted.has(name) || (lastRead.get(name) ?? -1) >= from)) continue;
      nodes.push(place);
      for (const name of node.inputs) wanted.add(name);
    }
    if (nodes.length === 0) return null;
    nodes.reverse();
    const made = new Map<string, number>();
    for (const [i, place] of nodes.entries()) {
      const { inputs, outputs } = graph.nodes[place]!;
      for (const name of inputs) if (made.has(name)) made.set(name, i);
      for (const name of inputs) if (!made.has(name) && lives.has(name)) sources.add(name);
      for (const name of outputs) if (lives.has(name)) made.set(name, i);
    }
    const ends = new Map<number, number>();
    let [alive, working] = [0, 0];
    for (const [i, place] of nodes.entries()) {
      for (const name of graph.nodes[place]!.outputs) {
        const life = lives.get(name);
        if (!life) continue;
        alive += life.bytes;
        if (last(life) < from) ends.set(made.get(name)!, (ends.get(made.get(name)!) ?? 0) + life.bytes);
      }
      working = Math.max(working, alive);
      alive -= ends.get(i) ?? 0;
    }
    const early = [...made.keys()].map((name) => lives.get(name)!).filter((v) => isSaved(v) && v.reads[0]! < from);
    const given = [...sources].map((name) => lives.get(name)!);
    const bytes = (list: readonly Life[]) => total(list.map((v) => v.bytes));
    const kept = bytes(given.filter((v) => !isSaved(v))) + bytes(early);
    return {
      first,
      end,
      nodes,
      from,
      cost: total(nodes.map((place) => costOf(graph.nodes[place]!, types))),
      kept,
      fresh: bytes(given) + bytes(early),
      peak: Math.max(backward, arriving[end]! + kept + working, ...spans.map((k) => forwardPeak[k]! + kept)),
    };
  };
};

const once = <T>(make: () => T): (() => T) => {
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
  const units = unitsOf(schedule, memory);
  const describe = describer(schedule, units, limit);
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
