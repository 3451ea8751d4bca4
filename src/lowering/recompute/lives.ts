/** Liveness: where the values of a schedule are defined and read. */

import type { Graph } from "../../onnx/graph.ts";
import { bytesOf } from "./cost.ts";
import { variable, type Schedule, type TypedGraph } from "./schedule.ts";

/** A model of the runtime's order of execution and memory use, which the caller supplies. */
export interface MemoryModel {
  /** The first result of each node of the graph in the order of execution, without Identity nodes. */
  readonly order: (graph: Graph) => readonly string[];
  /** Bytes alive while each node runs, in the order of the graph's nodes. */
  readonly usage: (schedule: TypedGraph) => readonly number[];
  /** Bytes that a session needs for the graph, with its nodes in the order of the file. */
  readonly need: (file: TypedGraph) => number;
}

/** A buffer that depends on the image and is neither an input nor an output, with the positions in the schedule at which it is used. */
export interface Life {
  readonly name: string;
  readonly bytes: number;
  readonly made: number;
  /** The last read in the forward pass; -1 if there is none. */
  readonly lastForward: number;
  /** The reads in the backward pass, ascending. */
  readonly reads: readonly number[];
}

/** By name. */
export type Lives = ReadonlyMap<string, Life>;

export const livesOf = ({ graph, types, turn }: Schedule): Lives => {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const varying = variable(graph);
  const lives = new Map<string, { -readonly [K in keyof Life]: Life[K] } & { reads: number[] }>();
  for (const [place, node] of graph.nodes.entries()) {
    if (!varying.has(node)) continue;
    for (const name of new Set(node.inputs)) {
      const life = lives.get(name);
      if (!life) continue;
      if (place < turn) life.lastForward = place;
      else life.reads.push(place);
    }
    for (const name of node.outputs) {
      if (name === "" || outputs.has(name)) continue;
      lives.set(name, { name, bytes: bytesOf(types.get(name)!), made: place, lastForward: -1, reads: [] });
    }
  }
  return lives;
};
