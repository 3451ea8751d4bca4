/** Node's zlib, and the codecs' WASM from the packages' files. This is the only file of this folder that requires Node itself. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { useCodecModules } from "./codecs.ts";
import { nodeZlib } from "./node-zlib.ts";
import { usePlatformZlib } from "./zlib.ts";

// The types of Workers, against which this project compiles, omit WebAssembly.compile.
const engine = WebAssembly as unknown as { compile: (bytes: Uint8Array) => Promise<WebAssembly.Module> };

const compile = async (file: string): Promise<WebAssembly.Module> =>
  engine.compile(await readFile(createRequire(import.meta.url).resolve(file)));

/** Sets zlib and the source of the codecs; called once in Node before `decodeImage`. */
export const useNodeCodecs = (): void => {
  usePlatformZlib(nodeZlib);
  useCodecModules({
    jpeg: () => compile("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    webp: () => compile("@jsquash/webp/codec/dec/webp_dec.wasm"),
  });
};
