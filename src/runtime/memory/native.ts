/**
 * Predicts the resident memory of native onnxruntime from the footprints of sessions. Each session has an arena of its own, which keeps what its runs
 * took at their peak, so that sessions that are held add up, where on WASM they share one heap.
 */

import type { Footprint } from "./memory.ts";

// Fitted to what processes had resident (`npm run bench -- memory --native`): 0.90 to 1.26 of it is predicted (docs/measured.md).

/** Bytes of onnxruntime's library, as far as it is touched, and of its first session. */
const BASE_BYTES = 30 * 2 ** 20;
/** Copies of the weights: the file, what is parsed of it, and what kernels have packed. */
const STATIC_COPIES = 3.6;
/** The arena grows in regions of doubling size, and joins no two of them. */
const ARENA = 2.1;
/** What a session takes, of its bytes in a plan (`needOf`), which are mostly live values. */
const OF_PLANNED = 2.3;

const takenBy = ({ staticBytes, liveness }: Footprint): number =>
  STATIC_COPIES * staticBytes + ARENA * liveness.peakBytes;

/** Resident bytes, beside those of Node itself, after each of these sessions has run, all of them held. */
export const predictNativeMemory = (sessions: readonly Footprint[]): number =>
  sessions.reduce((sum, session) => sum + takenBy(session), BASE_BYTES);

/** The bytes (of `needOf`) that one more session may have beside these within the budget; negative where they exceed it. */
export const nativeRoomBeside = (held: readonly Footprint[], budgetBytes: number): number =>
  (budgetBytes - predictNativeMemory(held)) / OF_PLANNED;
