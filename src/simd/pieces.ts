/** Vectors of any length go through the loops piece by piece: the pieces stay in the processor's cache, and the memory small. */

import { loops } from "./loops.ts";

/** Values of a piece, bytes of a slot, and where the first one lies; as `simd/slots.ts` has it. */
const PIECE = 8192;
const SLOT = 4 * PIECE;
const FIRST = 2 ** 16;
const SLOTS = 9;
/** Where a loop leaves its sums. */
const SUMS = FIRST - 64;

type Slots = { readonly slots: readonly Float32Array[]; readonly sums: Float64Array };
const made = new WeakMap<ArrayBufferLike, Slots>();

const slotsNow = (): Slots => {
  const { memory } = loops();
  const missing = FIRST + SLOTS * SLOT - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  const { buffer } = memory;
  const known = made.get(buffer);
  if (known) return known;
  const slots = Array.from({ length: SLOTS }, (_, k) => new Float32Array(buffer, FIRST + k * SLOT, PIECE));
  const views = { slots, sums: new Float64Array(buffer, SUMS, 8) };
  made.set(buffer, views);
  return views;
};

/** Calls a loop for each piece of the vectors, all of one length; an output may be an input too. `loop` is told the length of the piece. */
export const inPieces = (
  inputs: readonly Float32Array[],
  outputs: readonly Float32Array[],
  loop: (count: number, sums: Float64Array) => void,
): void => {
  const { slots, sums } = slotsNow();
  const { length } = inputs[0]!;
  for (let from = 0; from < length; from += PIECE) {
    const count = Math.min(PIECE, length - from);
    for (let k = 0; k < inputs.length; k++) {
      slots[k]!.set(inputs[k]!.subarray(from, from + count));
      if (count % 4 !== 0) slots[k]!.fill(0, count, count + 3);
    }
    loop(count, sums);
    for (let k = 0; k < outputs.length; k++) {
      const slot = slots[inputs.length + k]!;
      outputs[k]!.set(count === PIECE ? slot : slot.subarray(0, count), from);
    }
  }
};
