/** Seeded pseudo-random numbers. The same seed gives the same sequence on every platform. */

/** A source of uniform numbers in [0, 1). */
export type Random = () => number;

/**
 * The generator sfc32 (Doty-Humphrey, PractRand), whose state splitmix32 fills from an integer seed. The period is at least 2^32.
 *
 * @example const next = random(7); next(); // the same number every time
 * @throws RangeError if the seed is not a safe integer.
 */
export const random = (seed: number): Random => {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`random: the seed ${seed} is not a safe integer`);
  const low = seed | 0;
  const high = Math.floor(seed / 2 ** 32) | 0;
  const fill = splitmix32(low ^ Math.imul(high, 0x9e3779b1));
  let [a, b, c, counter] = [fill(), fill(), fill() ^ high, 1];
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
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
