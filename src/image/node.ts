/** The codecs' WASM in Node: read from the packages' files. The one file of this folder that is for Node only. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { useCodecModules } from "./codecs.ts";

// The Workers' types, which this project compiles against, leave out what Workers may not do.
const engine = WebAssembly as unknown as { compile: (bytes: Uint8Array) => Promise<WebAssembly.Module> };

const compile = async (file: string): Promise<WebAssembly.Module> =>
  engine.compile(await readFile(createRequire(import.meta.url).resolve(file)));

/** Call once before `decodeImage`, in Node. */
export const useNodeCodecs = (): void =>
  useCodecModules({
    jpeg: () => compile("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    webp: () => compile("@jsquash/webp/codec/dec/webp_dec.wasm"),
  });
