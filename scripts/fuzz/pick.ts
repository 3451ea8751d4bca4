/** Choices by a seeded generator. */

import { integer, pick, chance, type Random } from "../../src/random.ts";

/** A whole number from 0 to `limit` − 1; 0 where there is none. */
export const below = (next: Random, limit: number): number => integer(next, 0, Math.max(0, limit - 1));

const oddNumbers = [0, 1, -1, 2, 127, 128, 255, 256, 65_535, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, -1e-300, 0.1];

/** A number at a limit of some type, or near zero. */
export const oddNumber = (next: Random): number => pick(next, oddNumbers);

/** The bytes with a few of them changed, removed, doubled, or cut off. */
export const damaged = (next: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  let out = new Uint8Array(bytes);
  for (let i = 1 + below(next, 6); i > 0 && out.length > 1; i--) {
    const at = below(next, out.length);
    const end = Math.min(out.length, at + 1 + below(next, 16));
    switch (below(next, 5)) {
      case 0:
        out[at] = below(next, 256);
        break;
      case 1:
        out[at] = pick(next, [0, 1, 0x7f, 0x80, 0xff]);
        break;
      case 2:
        out = new Uint8Array([...out.subarray(0, at), ...out.subarray(end)]);
        break;
      case 3:
        out = new Uint8Array([...out.subarray(0, end), ...out.subarray(at)]);
        break;
      default:
        if (chance(next, 0.3)) out = out.slice(0, at);
    }
  }
  return out;
};
