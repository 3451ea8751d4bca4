/** Against zlib itself (Node's), and a decoder written apart from it (fflate's). */

import { inflateSync } from "node:zlib";
import * as fc from "fast-check";
import { unzlibSync } from "fflate";
import { describe, expect, it } from "vitest";
import { codeLengths, huffmanZlib } from "../../src/image/huffman.ts";

/** How often symbols occur, each as often as the two before it together: the deepest Huffman tree there is. */
const fibonacci = (symbols: number): number[] => {
  const counts = [1, 1];
  while (counts.length < symbols) counts.push(counts.at(-1)! + counts.at(-2)!);
  return counts;
};

const repeated = (counts: readonly number[]): Uint8Array =>
  Uint8Array.from(counts.flatMap((n, symbol) => Array.from({ length: n }, () => symbol)));

/** Both agree that `bytes` went in. */
const inflates = (stream: Uint8Array, bytes: Uint8Array): boolean =>
  inflateSync(stream).equals(bytes) && Buffer.from(unzlibSync(stream)).equals(bytes);

describe("a zlib stream of Huffman codes", () => {
  it("inflates to what went in, whatever that is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(inflates(huffmanZlib(bytes), bytes)).toBe(true);
      }),
    );
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["one value alone", new Uint8Array(40_000).fill(7)],
    ["all values alike, over several blocks", Uint8Array.from({ length: 100_000 }, (_, i) => i)],
    ["exactly one block", Uint8Array.from({ length: 1 << 15 }, (_, i) => i * i)],
    // With the one end of block, 21 Fibonacci numbers.
    ["a tree deeper than codes may be long", repeated(fibonacci(21).slice(1))],
  ])("of %s", (_, bytes) => {
    expect(inflates(huffmanZlib(bytes), bytes)).toBe(true);
  });

  it("is close to the entropy: 8 values, four times as often each as the next", () => {
    const counts = Array.from({ length: 8 }, (_, i) => 4 ** (7 - i));
    const bytes = repeated(counts);
    const entropy = counts.reduce((sum, n) => sum - n * Math.log2(n / bytes.length), 0) / 8;
    expect(huffmanZlib(bytes).length).toBeLessThan(1.35 * entropy + 100);
  });
});

describe("code lengths", () => {
  const kraft = (lengths: Uint8Array): number => lengths.reduce((sum, n) => sum + (n > 0 ? 2 ** -n : 0), 0);

  it("make a complete code, none of it longer than the limit, the more frequent the shorter", () => {
    const counts = fc.array(fc.nat({ max: 5000 }), { minLength: 2, maxLength: 257 });
    fc.assert(
      fc.property(counts, fc.constantFrom(9, 12, 15), (list, limit) => {
        const occurring = list.filter((n) => n > 0).length;
        fc.pre(occurring > 1);
        const lengths = codeLengths(Uint32Array.from(list), limit);
        expect(kraft(lengths)).toBe(1);
        expect(Math.max(...lengths)).toBeLessThanOrEqual(limit);
        list.forEach((n, i) => expect(lengths[i]! > 0).toBe(n > 0));
        const ordered = [...list.keys()].filter((i) => list[i]! > 0).toSorted((i, j) => list[j]! - list[i]!);
        const sorted = ordered.map((i) => lengths[i]!);
        const strictly = sorted.filter((_, k) => list[ordered[k]!]! !== list[ordered[k - 1] ?? -1]);
        expect(strictly).toEqual(strictly.toSorted((a, b) => a - b));
      }),
    );
  });

  it("are Huffman's own where those are short enough", () => {
    expect([...codeLengths(Uint32Array.of(5, 9, 12, 13, 16, 45), 15)]).toEqual([4, 4, 3, 3, 3, 1]);
    expect(Math.max(...codeLengths(Uint32Array.from(fibonacci(21)), 32))).toBe(20);
    expect(Math.max(...codeLengths(Uint32Array.from(fibonacci(21)), 15))).toBeLessThanOrEqual(15);
  });
});
