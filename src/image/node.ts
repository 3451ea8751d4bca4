/** Node's own zlib, and the codecs' WASM from the packages' files. This is the only file of this folder that requires Node. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { constants, deflateSync, inflateSync } from "node:zlib";
import { useCodecModules } from "./codecs.ts";
import { usePlatformZlib, type PlatformZlib } from "./zlib.ts";

// The types of Workers, against which this project compiles, omit WebAssembly.compile.
const engine = WebAssembly as unknown as { compile: (bytes: Uint8Array) => Promise<WebAssembly.Module> };

const compile = async (file: string): Promise<WebAssembly.Module> =>
  engine.compile(await readFile(createRequire(import.meta.url).resolve(file)));

export const nodeZlib: PlatformZlib = {
  inflate: (bytes, size) => {
    try {
      return inflateSync(bytes, { maxOutputLength: size });
    } catch {
      return null;
    }
  },
  deflate: (bytes, content) =>
    deflateSync(bytes, content === "repetitions" ? { level: 1 } : { strategy: constants.Z_HUFFMAN_ONLY }),
};

/** Sets zlib and the source of the codecs; called once in Node before `decodeImage`. */
export const useNodeCodecs = (): void => {
  usePlatformZlib(nodeZlib);
  useCodecModules({
    jpeg: () => compile("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    webp: () => compile("@jsquash/webp/codec/dec/webp_dec.wasm"),
  });
};
