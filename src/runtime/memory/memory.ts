/**
 * Predicts the WASM memory of a session before it is made: weights, what is alive while onnxruntime executes the graph that it makes
 * of the file, and the steps in which the heap grows.
 */

import { liveness, type Liveness } from "./liveness.ts";
import { bytesOf, type SizedGraph } from "./sized-graph.ts";

/** What a session takes. */
export interface Footprint {
  /** Kept as long as the session: weights and the graph. */
  readonly staticBytes: number;
  /** On top of it while it is made or runs. */
  readonly runBytes: number;
  readonly liveness: Liveness;
}

// Fitted to 231 sessions of 28 networks (`npm run bench -- memory`): within 14 % of what each of them took, and of 68 more at sizes
// that were not among them. What remains is the allocator's: a value may or may not fit the gap that one of its size has left.

/** Of onnxruntime itself, before the first session. */
const BASE_BYTES = 10 * 2 ** 20;
/** Of a node, while the session is held. */
const NODE_BYTES = 2.5 * 2 ** 10;
/** Copies of the weights while a model is read, beside those that stay. */
const READING_COPIES = 1.5;
/** The heap has gaps between values that come and go; the largest fits into none where they are small. */
const FRAGMENTATION = 1.08;
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

/** What a session needs of the room that a budget leaves. */
export const needOf = ({ staticBytes, runBytes }: Footprint): number => staticBytes + runBytes;

/** The heap grows by a twentieth at a time (see wasm.ts), from 16 MiB. */
const FIRST_HEAP_BYTES = 16 * 2 ** 20;
const HEAP_GROWTH = 1.05;
/** WASM's addresses have 32 bits. */
const LARGEST_HEAP_BYTES = 2 ** 32;

/** WASM memory with these sessions held, when each has run once. */
export const predictMemory = (sessions: readonly Footprint[]): number => {
  const held = sessions.reduce((sum, s) => sum + s.staticBytes, 0);
  const needed = BASE_BYTES + held + Math.max(0, ...sessions.map((s) => s.runBytes));
  let heap = FIRST_HEAP_BYTES;
  while (heap < needed) heap *= HEAP_GROWTH;
  return heap;
};

/** Bytes that sessions can take before the heap would grow beyond the budget; negative where it starts beyond it. */
export const roomWithin = (budgetBytes: number): number => {
  if (FIRST_HEAP_BYTES > budgetBytes) return -BASE_BYTES;
  let heap = FIRST_HEAP_BYTES;
  while (heap * HEAP_GROWTH <= Math.min(budgetBytes, LARGEST_HEAP_BYTES)) heap *= HEAP_GROWTH;
  return heap - BASE_BYTES;
};
