/**
 * Where the WASM codecs come from. Runtimes differ: a Worker may not compile WASM and imports it as a module, Node reads
 * it from a file (`node.ts`), a browser fetches it. Each entry point says so once, with `useCodecModules`.
 */

/** Formats decoded by WASM; PNG needs none. */
export type CodecFormat = "jpeg" | "webp";

/** For each format, how to get its compiled decoder; called once, at the first image of that format. */
export type CodecModules = Readonly<Record<CodecFormat, () => Promise<WebAssembly.Module>>>;

/** RGBA, 8 bits, not premultiplied, row by row. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** What the Emscripten glue of a codec gives. `null` where libwebp refuses the data. */
export interface Codec {
  decode(bytes: Uint8Array, preserveOrientation?: boolean): Pixels | null;
}

/** The glue's module factory, as far as it is used here. */
export type CodecFactory = (options: {
  readonly noInitialRun: boolean;
  readonly locateFile: (path: string) => string;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}) => Promise<Codec>;

let sources: CodecModules | null = null;
const compiled = new Map<CodecFormat, Promise<WebAssembly.Module>>();

/**
 * Says where the decoders' WASM comes from, for this process or isolate.
 *
 * @example
 * import jpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"; // in a Worker
 * import webp from "@jsquash/webp/codec/dec/webp_dec.wasm";
 * useCodecModules({ jpeg: async () => jpeg, webp: async () => webp });
 */
export const useCodecModules = (modules: CodecModules): void => {
  sources = modules;
  compiled.clear();
};

const moduleOf = (format: CodecFormat): Promise<WebAssembly.Module> => {
  if (!sources) throw new Error(`no ${format} decoder: call useCodecModules (or useNodeCodecs) at start-up`);
  const known = compiled.get(format);
  if (known) return known;
  const module = sources[format]().catch((cause: unknown) => {
    compiled.delete(format); // a failed load is tried again at the next image
    throw new Error(`the ${format} decoder cannot be loaded`, { cause });
  });
  compiled.set(format, module);
  return module;
};

/**
 * A fresh instance of a codec (about two milliseconds): WASM memory never shrinks, and a decoder that gave up on a hostile
 * file is in no state to be used again.
 */
export const startCodec = async (
  factory: CodecFactory,
  format: CodecFormat,
  log: (line: string) => void,
): Promise<Codec> => {
  const module = await moduleOf(format);
  return factory({
    noInitialRun: true,
    locateFile: (path) => path,
    print: log,
    printErr: log,
    instantiateWasm: (imports, done) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
};
