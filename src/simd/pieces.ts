/** Vectors of any length go through the loops piece by piece: the pieces stay in the processor's cache, and the memory small. */

import { FIRST, memoryOf } from "./memory.ts";

/** Values of a piece, and the bytes that it takes. */
const PIECE = 8192;
const SLOT = 4 * PIECE;
/** Pieces that are in the memory at a time. */
const SLOTS = 6;
/** Where a loop leaves its sums (simd/pieces.ts). */
const SUMS = FIRST - 64;

type Addresses = readonly [number, number, number, number, number, number];
const addresses = Array.from({ length: SLOTS }, (_, k) => FIRST + k * SLOT) as unknown as Addresses;

interface Views {
  readonly slots: readonly Float32Array[];
  readonly sums: Float64Array;
}

/** The views of a memory; when it grows, it has another buffer. */
const viewsOf = new WeakMap<ArrayBufferLike, Views>();

const views = (): Views => {
  const { buffer } = memoryOf(FIRST + SLOTS * SLOT);
  const known = viewsOf.get(buffer);
  if (known) return known;
  const slots = addresses.map((at) => new Float32Array(buffer, at, PIECE));
  const made = { slots, sums: new Float64Array(buffer, SUMS, 8) };
  viewsOf.set(buffer, made);
  return made;
};

/**
 * Calls loops for each piece of up to six vectors of one length, which lie at the addresses in their order, followed by zeros to a multiple
 * of four values. What lies at the first addresses then are the outputs, which may be the same arrays as the inputs.
 */
export const inPieces = (
  inputs: readonly Float32Array[],
  outputs: readonly Float32Array[],
  run: (count: number, at: Addresses, sums: Float64Array) => void,
): void => {
  const { slots, sums } = views();
  const { length } = inputs[0]!;
  for (let from = 0; from < length; from += PIECE) {
    const count = Math.min(PIECE, length - from);
    for (let k = 0; k < inputs.length; k++) {
      slots[k]!.set(inputs[k]!.subarray(from, from + count));
      if (count % 4 !== 0) slots[k]!.fill(0, count, count + 3);
    }
    run(count, addresses, sums);
    for (let k = 0; k < outputs.length; k++)
      outputs[k]!.set(count === PIECE ? slots[k]! : slots[k]!.subarray(0, count), from);
  }
};
