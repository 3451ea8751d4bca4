/** Seeds for the draws of a defence: of one seed as many independent sequences as there are predictions and steps. */

/** Multiplicative constants of MurmurHash3 (Appleby). */
const mixed = (hash: number, word: number): number => {
  const scrambled = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const next = Math.imul(hash ^ scrambled ^ (scrambled >>> 13), 0xc2b2ae35);
  return next ^ (next >>> 16);
};

/** A seed that depends on every one of these integers and on their order. */
export const seedOf = (...parts: readonly number[]): number => {
  const words = parts.flatMap((part) => [part | 0, Math.floor(part / 2 ** 32) | 0]);
  const [high, low] = [0x9747b28c, 0x3c6ef372].map((start) => words.reduce(mixed, start));
  return (high! >>> 11) * 2 ** 32 + (low! >>> 0);
};

/** A digest of 32 bits of an image's numbers. */
export const digestOf = (image: Float32Array): number => {
  const words = new Int32Array(image.buffer, image.byteOffset, image.length);
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = mixed(hash, words[i]!);
  return hash >>> 0;
};
