/** A gradient's graph as it is held against the memory there is. */

import { expandLate } from "../autodiff/expand.ts";
import { orderForMemory } from "../autodiff/lower.ts";
import { recomputed, type MemoryModel, type TypedGraph } from "../autodiff/recompute.ts";
import type { Graph } from "../onnx/graph.ts";
import { typesOf } from "../onnx/types.ts";
import { executionOrder, usage } from "../runtime/liveness.ts";
import { footprint, needOf } from "../runtime/memory.ts";

const memory: MemoryModel = {
  order: ({ nodes }) => executionOrder(nodes).flatMap(({ outputs }) => outputs.find((name) => name !== "") ?? []),
  usage: ({ graph, types }) => usage({ ...graph, types }),
  need: ({ graph, types }) => needOf(footprint({ ...graph, types })),
};

/**
 * Left free, in largest values: what is recomputed comes and goes among what is kept, and leaves gaps that it does not fit. So
 * much more than predicted did attacks take whose room was tight (`npm run bench -- memory --budget`).
 */
const GAPS = 0.6;

/**
 * The graph in the order that needs the least memory; where that is more than `room` bytes, with as little recomputed in the
 * backward pass as makes it fit; as it is where nothing does.
 *
 * @param gradients the outputs that the backward pass makes; without any there is nothing to recompute.
 */
export const within = (built: Graph, gradients: readonly string[], room: number): TypedGraph => {
  const graph = expandLate(built, typesOf(built));
  const types = typesOf(graph);
  const ordered = orderForMemory(graph, types);
  const plain = { graph: ordered, types: typesOf(ordered) };
  const whole = footprint({ ...plain.graph, types: plain.types });
  if (gradients.length === 0 || needOf(whole) <= room) return plain;
  return recomputed({ graph, types }, gradients, memory, room - GAPS * whole.liveness.largestBytes) ?? plain;
};
