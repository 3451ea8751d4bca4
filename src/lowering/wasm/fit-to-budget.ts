/** The graph in the form that onnxruntime executes, and its memory use. */

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
 * Fragmentation of a graph with recomputation, in multiples of the size of its largest value: recomputed values are allocated and
 * freed between values that are kept, and leave gaps that other values do not fit (measured by `npm run bench -- memory --budget`).
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

/** A graph in the form that is executed, and its memory footprint. */
export interface Sized {
  readonly graph: Graph;
  readonly footprint: Footprint;
}

/**
 * The graph in an order of execution that saves memory. If it needs more than `room` bytes, the backward pass recomputes as little
 * as makes it fit; if it cannot be made to fit, it is returned without recomputation.
 *
 * @param gradients names of the outputs that the backward pass computes; if there are none, nothing is recomputed.
 */
export const fitToBudget = (built: Graph, gradients: readonly string[], room: number): Sized => {
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
