/** zlib streams (RFC 1950) and CRC-32: in JavaScript everywhere, and by the platform where it has its own (Node, workerd), which takes a third of the time. */
import { Unzlib, zlibSync } from "fflate";
import { ImageError } from "./error.ts";
import { huffmanZlib } from "./huffman.ts";

/** What the bytes are like: label maps consist of repetitions, and the filtered rows of pictures have hardly any. */
export type Content = "repetitions" | "noise";

/** The platform's own. */
export interface PlatformZlib {
  /** The content of a stream, at most `size` bytes; null where it has more or is broken in any way. */
  readonly inflate: (zlib: Uint8Array, size: number) => Uint8Array | null;
  readonly deflate: (bytes: Uint8Array, content: Content) => Uint8Array;
  readonly crc32?: (bytes: Uint8Array) => number;
}

let platform: PlatformZlib | null = null;

/** Sets the platform's for this process; null: what is here. */
export const usePlatformZlib = (own: PlatformZlib | null): void => {
  platform = own;
};

// Deflate expands at most 1032-fold, so that a slice yields at most 17 MB before the size of the output is checked.
const sliceBytes = 1 << 14;

/** Inflates a stream that must yield exactly `size` bytes; stops as soon as it yields more. @throws ImageError that says what is wrong. */
export const inflateExactly = (zlib: Uint8Array, size: number): Uint8Array => {
  const own = platform?.inflate(zlib, size);
  if (own?.length === size) return own;
  const out = new Uint8Array(size);
  let filled = 0;
  const inflator = new Unzlib((chunk) => {
    if (filled + chunk.length > size) {
      throw new ImageError("malformed", "PNG: its data is larger than its header says");
    }
    out.set(chunk, filled);
    filled += chunk.length;
  });
  for (let at = 0; at < zlib.length; at += sliceBytes) inflator.push(zlib.subarray(at, at + sliceBytes));
  inflator.push(new Uint8Array(0), true);
  if (filled < size) throw new ImageError("malformed", "PNG: its data is smaller than its header says");
  return out;
};

/** A stream of the bytes. Those without repetitions are Huffman-coded only. */
export const deflate = (bytes: Uint8Array, content: Content): Uint8Array =>
  platform?.deflate(bytes, content) ?? (content === "repetitions" ? zlibSync(bytes, { level: 1 }) : huffmanZlib(bytes));

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** The CRC-32 of PNG (ISO 3309). */
export const crc32 = (bytes: Uint8Array): number => {
  if (platform?.crc32) return platform.crc32(bytes);
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = crcTable[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
};
