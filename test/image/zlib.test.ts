/** Node's zlib and that of other platforms: streams of one are read by the other, and a bad stream is refused in the same words. */

import { afterEach, describe, expect, it } from "vitest";
import { nodeZlib } from "../../src/image/node-zlib.ts";
import { crc32, deflate, inflateExactly, usePlatformZlib, type Content } from "../../src/image/zlib.ts";
import { random } from "../../src/random.ts";

const platforms = [
  ["Node's", nodeZlib],
  ["the one for all platforms", null],
] as const;

/** Both kinds of content, longer than a block of deflate, and the empty one. */
const contents = (): readonly (readonly [Content, Uint8Array])[] => {
  const next = random(7);
  const noise = Uint8Array.from({ length: 150_000 }, () => Math.floor(40 * next() * next()));
  return [
    ["noise", noise],
    ["repetitions", noise.map((_, i) => Math.floor(i / 700))],
    ["noise", new Uint8Array(0)],
  ];
};

const outcome = (stream: Uint8Array, size: number): string => {
  try {
    return Buffer.from(inflateExactly(stream, size)).toString("base64");
  } catch (cause) {
    return String(cause);
  }
};

describe.each(platforms)("written by %s", (_, writer) => {
  afterEach(() => usePlatformZlib(null));

  it.each(platforms)("and read by %s, the bytes come back, and what is wrong is said", (__, reader) => {
    for (const [content, bytes] of contents()) {
      usePlatformZlib(writer);
      const stream = deflate(bytes, content);
      usePlatformZlib(reader);
      expect(outcome(stream, bytes.length)).toBe(Buffer.from(bytes).toString("base64"));
      expect(outcome(stream, bytes.length + 1)).toMatch("smaller than its header says");
      if (bytes.length === 0) continue;
      expect(outcome(stream, bytes.length - 1)).toMatch("larger than its header says");
      for (const broken of [stream.subarray(0, stream.length >> 1), stream.with(2, 0xff)]) {
        const said = outcome(broken, bytes.length);
        usePlatformZlib(null);
        expect(said).toBe(outcome(broken, bytes.length));
        expect(said).toMatch(/Error/);
        usePlatformZlib(reader);
      }
    }
  });
});

describe("CRC-32", () => {
  afterEach(() => usePlatformZlib(null));

  it.each(platforms)("of %s has the check value of its definition (ISO 3309)", (_, platform) => {
    usePlatformZlib(platform);
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });
});
