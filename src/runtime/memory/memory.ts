/**
 * Predicts the WASM memory of a session before it is created: weights, the live values while onnxruntime executes its graph, and the
 * steps in which the heap grows.
 */

import { liveness, type Liveness } from "./liveness.ts";
import { bytesOf, type SizedGraph } from "./sized-graph.ts";

/** The memory of a session. */
export interface Footprint {
  /** Bytes held as long as the session: weights and the graph. */
  readonly staticBytes: number;
  /** Additional bytes while the session is created or runs. */
  readonly runBytes: number;
  readonly liveness: Liveness;
}

// Fitted to 231 sessions of 28 networks (`npm run bench -- memory`): within 14 % of what each of them took, and of 68 more at sizes
// that were not among them. The rest depends on the allocator: a value may or may not fit the gap that another of its size has left.

/** Bytes of onnxruntime itself, before the first session. */
const BASE_BYTES = 10 * 2 ** 20;
/** Bytes of a node while the session is held. */
const NODE_BYTES = 2.5 * 2 ** 10;
/** Additional copies of the weights while a model is read. */
const READING_COPIES = 1.5;
/** Factor by which gaps between values in the heap increase the peak. */
const FRAGMENTATION = 1.08;
/** Share of the largest value that is needed in addition, as no gap between small values holds it. */
const LARGEST_ANEW = 0.2;

export const footprint = (graph: SizedGraph): Footprint => {
  const weights = [...graph.initializers.values()].reduce((sum, t) => sum + bytesOf(t), 0);
  const peak = liveness(graph);
  return {
    staticBytes: weights + NODE_BYTES * graph.nodes.length,
    runBytes: Math.max(FRAGMENTATION * peak.peakBytes + LARGEST_ANEW * peak.largestBytes, READING_COPIES * weights),
    liveness: peak,
  };
};

/** Bytes of a budget's room that a session needs. */
export const needOf = ({ staticBytes, runBytes }: Footprint): number => staticBytes + runBytes;

/** The heap grows by a twentieth at a time (see wasm.ts), from 16 MiB. */
const FIRST_HEAP_BYTES = 16 * 2 ** 20;
const HEAP_GROWTH = 1.05;
/** WASM's addresses have 32 bits. */
const LARGEST_HEAP_BYTES = 2 ** 32;

/** WASM memory after each of these sessions has run once, all of them held. */
export const predictMemory = (sessions: readonly Footprint[]): number => {
  const held = sessions.reduce((sum, s) => sum + s.staticBytes, 0);
  const needed = BASE_BYTES + held + Math.max(0, ...sessions.map((s) => s.runBytes));
  let heap = FIRST_HEAP_BYTES;
  while (heap < needed) heap *= HEAP_GROWTH;
  return heap;
};

/** Bytes available to sessions before the heap would exceed the budget; negative where it exceeds it from the start. */
export const roomWithin = (budgetBytes: number): number => {
  if (FIRST_HEAP_BYTES > budgetBytes) return -BASE_BYTES;
  let heap = FIRST_HEAP_BYTES;
  while (heap * HEAP_GROWTH <= Math.min(budgetBytes, LARGEST_HEAP_BYTES)) heap *= HEAP_GROWTH;
  return heap - BASE_BYTES;
};

/** The bytes (of `needOf`) that one more session may have beside these, with which it shares a heap: what runs there runs one after another. */
export const roomBeside = (held: readonly Footprint[], budgetBytes: number): number =>
  roomWithin(budgetBytes) - held.reduce((sum, { staticBytes }) => sum + staticBytes, 0);
