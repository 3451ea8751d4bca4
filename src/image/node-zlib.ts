/** zlib and CRC-32 of `node:zlib`, which Node has and workerd too; nothing else here needs Node. */
import * as zlib from "node:zlib";
import type { PlatformZlib } from "./zlib.ts";

const { Z_HUFFMAN_ONLY, Z_MIN_CHUNK } = zlib.constants;

/** Absent before Node 20.15. */
const { crc32 } = zlib as { readonly crc32?: (bytes: Uint8Array) => number };

export const nodeZlib: PlatformZlib = {
  inflate: (bytes, size) => {
    try {
      // A chunk with more room than the content needs contains it whole, and is not copied.
      return zlib.inflateSync(bytes, { maxOutputLength: size, chunkSize: Math.max(size + 1, Z_MIN_CHUNK) });
    } catch {
      return null;
    }
  },
  deflate: (bytes, content) =>
    zlib.deflateSync(bytes, content === "repetitions" ? { level: 1 } : { strategy: Z_HUFFMAN_ONLY }),
  ...(crc32 && { crc32 }),
};
