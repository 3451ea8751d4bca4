/** Where the values of a schedule are made and read. */

import type { Graph } from "../../onnx/graph.ts";
import { bytesOf } from "./cost.ts";
import { variable, type Schedule, type TypedGraph } from "./schedule.ts";

/** What the runtime takes, which is not the compiler's to know. */
export interface MemoryModel {
  /** The first results of the graph's nodes in the order of execution; without Identities. */
  readonly order: (graph: Graph) => readonly string[];
  /** Bytes alive while each node runs, the nodes in the order of the graph. */
  readonly usage: (schedule: TypedGraph) => readonly number[];
  /** Bytes that a session of the graph, as it is in the file, needs. */
  readonly need: (file: TypedGraph) => number;
}

/** A buffer that depends on the image and is neither an input nor an output: places in the schedule. */
export interface Life {
  readonly name: string;
  readonly bytes: number;
  readonly made: number;
  /** In the forward pass; -1 for none. */
  readonly lastForward: number;
  /** In the backward pass, ascending. */
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
