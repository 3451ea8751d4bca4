/** Reads the codecs' WASM from the packages' files. This is the only file of this folder that requires Node. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { useCodecModules } from "./codecs.ts";

// The types of Workers, against which this project compiles, omit WebAssembly.compile.
const engine = WebAssembly as unknown as { compile: (bytes: Uint8Array) => Promise<WebAssembly.Module> };

const compile = async (file: string): Promise<WebAssembly.Module> =>
  engine.compile(await readFile(createRequire(import.meta.url).resolve(file)));

/** Sets the source of the codecs; called once in Node before `decodeImage`. */
export const useNodeCodecs = (): void =>
  useCodecModules({
    jpeg: () => compile("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    webp: () => compile("@jsquash/webp/codec/dec/webp_dec.wasm"),
  });
