/** Segments of the forward pass that can be executed again in the backward pass: their work and their memory use. */

import { costOf } from "./cost.ts";
import type { Life, Lives } from "./lives.ts";
import type { Repetition } from "./repeat.ts";
import { variable, type Schedule } from "./schedule.ts";
import { last, max, total, type Units } from "./units.ts";

/** Units `first` … `end` − 1, executed again before their backward pass. */
export interface Segment extends Repetition {
  readonly first: number;
  readonly end: number;
  readonly cost: number;
  /** Bytes kept from the forward pass: the segment's inputs, and the values that the backward pass of later units reads. */
  readonly kept: number;
  /** Replaces `kept` if the unit before the segment is executed again. */
  readonly fresh: number;
  /** Maximum number of bytes alive, without those that earlier units keep. */
  readonly peak: number;
}

/** Properties of a node of the forward pass that do not depend on the segment. */
interface Place {
  readonly varies: boolean;
  readonly cost: number;
  /** Positions of the nodes whose results it reads. */
  readonly sources: readonly number[];
  /** The buffers that it reads and writes. */
  readonly reads: readonly Life[];
  readonly makes: readonly Life[];
  /** The last position at which the backward pass reads one of its results; -1 if there is none. */
  readonly lastRead: number;
}

const placesOf = ({ graph, types, turn }: Schedule, lives: Lives): readonly Place[] => {
  const varying = variable(graph);
  const makers = new Map<string, number>();
  const lastRead = new Map<string, number>();
  for (const [i, { inputs }] of graph.nodes.entries()) if (i >= turn) for (const name of inputs) lastRead.set(name, i);
  return graph.nodes.slice(0, turn).map((node, place) => {
    const { inputs, outputs } = node;
    const described = {
      varies: varying.has(node),
      cost: costOf(node, types),
      sources: inputs.flatMap((name) => makers.get(name) ?? []),
      reads: [...new Set(inputs.flatMap((name) => lives.get(name) ?? []))],
      makes: outputs.flatMap((name) => lives.get(name) ?? []),
      lastRead: Math.max(-1, ...outputs.map((name) => lastRead.get(name) ?? -1)),
    };
    for (const name of outputs) if (name !== "") makers.set(name, place);
    return described;
  });
};

/** Returns a function that describes a segment of a schedule; null if it repeats nothing or has more than `limit` bytes alive at once. */
export const describer = (schedule: Schedule, units: Units, lives: Lives, limit: number) => {
  const { cuts, done, saved, forwardPeak, backwardPeak, arriving } = units;
  const places = placesOf(schedule, lives);
  const unitOf = (place: number): number => cuts.findLastIndex((cut) => cut <= place);
  const isSaved = new Set(
    [...lives.values()].filter((v) => v.made < schedule.turn && last(v) >= done[unitOf(v.made) + 1]!),
  );

  return (first: number, end: number): Segment | null => {
    const [start, stop, from] = [cuts[first]!, cuts[end]!, done[end]!];
    const spans = Array.from({ length: end - first }, (_, i) => first + i);
    const inside = (k: number) => total(saved.slice(first, k));
    const backward = max(spans.map((k) => backwardPeak[k]! + inside(k)));
    if (backward > limit) return null;
    const wanted = new Set<number>();
    const nodes: number[] = [];
    for (let place = stop - 1; place >= start; place--) {
      const { varies, lastRead, sources } = places[place]!;
      if (!varies || (lastRead < from && !wanted.has(place))) continue;
      nodes.push(place);
      for (const source of sources) wanted.add(source);
    }
    if (nodes.length === 0) return null;
    nodes.reverse();
    const given = new Set<Life>();
    /** The values computed in the segment, with the position of their last reader in it. */
    const made = new Map<Life, number>();
    for (const place of nodes) {
      const { reads, makes } = places[place]!;
      for (const life of reads) {
        if (made.has(life)) made.set(life, place);
        else given.add(life);
      }
      for (const life of makes) made.set(life, place);
    }
    const ends = new Map<number, number>();
    for (const [life, place] of made) if (last(life) < from) ends.set(place, (ends.get(place) ?? 0) + life.bytes);
    let [alive, working] = [0, 0];
    for (const place of nodes) {
      for (const { bytes } of places[place]!.makes) alive += bytes;
      working = Math.max(working, alive);
      alive -= ends.get(place) ?? 0;
    }
    const bytes = (list: Iterable<Life>) => total(Array.from(list, (v) => v.bytes));
    const early = bytes([...made.keys()].filter((v) => isSaved.has(v) && v.reads[0]! < from));
    const kept = bytes([...given].filter((v) => !isSaved.has(v))) + early;
    return {
      first,
      end,
      nodes,
      from,
      cost: total(nodes.map((place) => places[place]!.cost)),
      kept,
      fresh: bytes(given) + early,
      peak: Math.max(backward, arriving[end]! + kept + working, ...spans.map((k) => forwardPeak[k]! + kept)),
    };
  };
};
