/** A graph as onnxruntime is given it, held against the memory there is. */

import { expandLate } from "./expand.ts";
import { orderForMemory } from "./rewrites.ts";
import { recomputed, type MemoryModel, type TypedGraph } from "../recompute/recompute.ts";
import type { Graph } from "../../onnx/graph.ts";
import { keepIndices } from "./keep-indices.ts";
import { keepScales } from "./keep-scales.ts";
import { typesOf } from "../../onnx/types.ts";
import { executionOrder, usage } from "../../runtime/memory/liveness.ts";
import { footprint, needOf, type Footprint } from "../../runtime/memory/memory.ts";

/**
 * Of largest values: what is recomputed comes and goes among what is kept, and leaves gaps that it does not fit. So much more
 * than other graphs do those take (`npm run bench -- memory --budget`).
 */
const GAPS = 0.67;

const leanFootprint = ({ graph, types }: TypedGraph): Footprint => {
  const plain = footprint({ ...graph, types });
  return { ...plain, runBytes: plain.runBytes + GAPS * plain.liveness.largestBytes };
};

const memory: MemoryModel = {
  order: ({ nodes }) => executionOrder(nodes).flatMap(({ outputs }) => outputs.find((name) => name !== "") ?? []),
  usage: ({ graph, types }) => usage({ ...graph, types }),
  need: (file) => needOf(leanFootprint(file)),
};

/** A graph as it is run, and what it takes. */
export interface Sized {
  readonly graph: Graph;
  readonly footprint: Footprint;
}

/**
 * The graph in the order that needs the least memory; where that is more than `room` bytes, with as little recomputed in the
 * backward pass as makes it fit; as it is where nothing does.
 *
 * @param gradients the outputs that the backward pass makes; without any there is nothing to recompute.
 */
export const within = (built: Graph, gradients: readonly string[], room: number): Sized => {
  const kept = keepScales(keepIndices(built));
  const keptTypes = typesOf(kept);
  const graph = expandLate(kept, keptTypes);
  const types = typesOf(graph, keptTypes);
  const ordered = orderForMemory(graph, types);
  const plain = { graph: ordered, footprint: footprint({ ...ordered, types: typesOf(ordered, types) }) };
  if (gradients.length === 0 || needOf(plain.footprint) <= room) return plain;
  const lean = recomputed({ graph, types }, gradients, memory, room);
  return lean ? { graph: lean.graph, footprint: leanFootprint(lean) } : plain;
};
