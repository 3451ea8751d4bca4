/** Seeded pseudo-random numbers. The same seed gives the same sequence on every platform. */

import { loops } from "./simd/loops.ts";
import { areas } from "./simd/memory.ts";

/** A source of uniform numbers in [0, 1). */
export interface Random {
  (): number;
  /** The same numbers as so many calls give, times 2³². */
  readonly draw?: (block: Uint32Array) => void;
}

/**
 * Random words of 32 bits by the generator sfc32 (Doty-Humphrey, PractRand), whose state splitmix32 fills from an integer seed. The period
 * is at least 2^32. Each call of what is returned overwrites a block with the next words, and returns 0, where reading them begins.
 *
 * @throws RangeError if the seed is not a safe integer.
 */
export const words = (seed: number): ((block: Uint32Array) => 0) => {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`random: the seed ${seed} is not a safe integer`);
  const low = seed | 0;
  const high = Math.floor(seed / 2 ** 32) | 0;
  const state = splitmix32(low ^ Math.imul(high, 0x9e3779b1));
  const kept = Int32Array.of(state(), state(), state() ^ high, 1);
  const next = (block: Uint32Array): 0 => {
    let a = kept[0]!;
    let b = kept[1]!;
    let c = kept[2]!;
    let counter = kept[3]!;
    for (let i = 0; i < block.length; i++) {
      const t = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + t) | 0;
      block[i] = t;
    }
    kept[0] = a;
    kept[1] = b;
    kept[2] = c;
    kept[3] = counter;
    return 0;
  };
  next(new Uint32Array(12));
  return next;
};

/** Words that `random` draws at once. */
const BLOCK = 16;

/**
 * Uniform numbers, the words of `words` divided by 2^32.
 *
 * @example const next = random(7); next(); // the same number every time
 * @throws RangeError if the seed is not a safe integer.
 */
export const random = (seed: number): Random => {
  const fill = words(seed);
  const block = new Uint32Array(BLOCK);
  let at = BLOCK;
  const next = () => {
    if (at === BLOCK) at = fill(block);
    return block[at++]! / 2 ** 32;
  };
  const draw = (into: Uint32Array): void => {
    const left = block.subarray(at, at + into.length);
    into.set(left);
    at += left.length;
    fill(into.subarray(left.length));
  };
  return Object.assign(next, { draw });
};

/** Uniform in [low, high). */
export const between = (next: Random, low: number, high: number): number => low + (high - low) * next();

/** A uniform integer between `low` and `high`, both included. */
export const integer = (next: Random, low: number, high: number): number => low + Math.floor(next() * (high - low + 1));

/** True with the given probability. */
export const chance = (next: Random, probability: number): boolean => next() < probability;

/** One of the items, uniformly. @throws RangeError if there are none. */
export const pick = <T>(next: Random, items: readonly T[]): T => {
  if (items.length === 0) throw new RangeError("pick: there is nothing to pick from");
  return items[Math.floor(next() * items.length)]!;
};

/** Standard normal (Box and Muller, 1958). */
export const normal = (next: Random): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/** Numbers that `normals` draws at once. */
const NORMALS = 8192;

/** As many numbers as calls of `normal` would give, to rounding, as float32, in `out`; of uniform numbers 32 bits are taken. */
export const normals = (
  next: Random,
  length: number,
  out: Float32Array<ArrayBuffer> = new Float32Array(length),
): Float32Array<ArrayBuffer> => {
  const [at] = areas(8 * NORMALS);
  const { buffer } = loops().memory;
  for (let from = 0; from < length; from += NORMALS) {
    const count = Math.min(NORMALS, length - from);
    const words = new Uint32Array(buffer, at, 2 * count);
    if (next.draw) next.draw(words);
    else for (let i = 0; i < words.length; i++) words[i] = 2 ** 32 * next();
    loops().normals(count, at);
    out.set(new Float32Array(buffer, at, count), from);
  }
  return out;
};

const splitmix32 = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
};
