/** Values that the backward pass can recompute with memory-bound operators only, from values that are alive anyway. */

import { costOf, isCheap } from "./cost.ts";
import { livesOf, type Life, type MemoryModel } from "./lives.ts";
import type { Repetition } from "./repeat.ts";
import { variable, type Schedule } from "./schedule.ts";

/**
 * Maximum number of nodes in one repetition. Without a bound, every value of a chain of n elementwise nodes could be recomputed from
 * the start of the chain, which takes n² nodes in all.
 */
const MAX_CHAIN = 64;

/** The first read after `place` if the value is alive but not read at `place`; otherwise undefined. */
const readAfter = ({ made, lastForward, reads }: Life, place: number): number | undefined => {
  const next = reads.find((read) => read >= place);
  return next !== undefined && made < place && lastForward < place && !reads.includes(place) ? next : undefined;
};

export interface Cheap {
  /** Bytes that need not be kept. */
  readonly bytes: number;
  readonly repetition: Repetition;
}

/**
 * Repetitions that each release one value at the peak of memory use, in ascending order of work per released byte. Together they
 * repeat at most as many nodes as the schedule has.
 */
export const cheapRepetitions = (schedule: Schedule, memory: MemoryModel): Cheap[] => {
  const { graph, types, turn } = schedule;
  const lives = livesOf(schedule);
  const bytes = memory.usage(schedule);
  const fullest = bytes.reduce((best, v, i) => (v > bytes[best]! ? i : best), 0);
  const varying = variable(graph);
  const maker = new Map(graph.nodes.flatMap((n, i) => n.outputs.map((name) => [name, i] as const)));
  /** Values that are released already, and values that must be kept because a repetition starts from them. */
  const [spared, pinned] = [new Set<string>(), new Set<string>()];

  const repetitionOf = (life: Life) => {
    const from = readAfter(life, fullest);
    if (from === undefined || life.made >= turn || pinned.has(life.name)) return null;
    const places = new Set<number>();
    const sources = new Set<string>();
    const make = (name: string): boolean => {
      const place = maker.get(name)!;
      const node = graph.nodes[place]!;
      if (places.has(place)) return true;
      if (places.size >= MAX_CHAIN) return false;
      places.add(place);
      return isCheap(node) && node.inputs.every((input) => has(input) || make(input));
    };
    const has = (name: string): boolean => {
      const place = maker.get(name);
      const source = lives.get(name);
      if (place === undefined || !varying.has(graph.nodes[place]!) || !source) return true;
      const alive = source !== life && !spared.has(source.name) && (source.reads.at(-1) ?? -1) >= from;
      if (alive) sources.add(source.name);
      return alive;
    };
    if (!make(life.name)) return null;
    const nodes = [...places].toSorted((a, b) => a - b);
    return { life, from, nodes, sources, cost: nodes.reduce((sum, i) => sum + costOf(graph.nodes[i]!, types), 0) };
  };

  const found = [...lives.values()].flatMap((life) => repetitionOf(life) ?? []);
  const ranked = found.toSorted((a, b) => a.cost / a.life.bytes - b.cost / b.life.bytes);
  let repeatedNodes = 0;
  return ranked.flatMap(({ life }) => {
    const repetition = repetitionOf(life);
    if (!repetition || repeatedNodes + repetition.nodes.length > graph.nodes.length) return [];
    repeatedNodes += repetition.nodes.length;
    spared.add(life.name);
    for (const name of repetition.sources) pinned.add(name);
    return [{ bytes: life.bytes, repetition }];
  });
};
