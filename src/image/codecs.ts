/**
 * The source of the WASM codecs, which depends on the platform: a Worker must not compile WASM and imports it as a module, Node
 * reads it from a file (`node.ts`), a browser fetches it. Each entry point sets the source once with `useCodecModules`.
 */

/** Formats decoded by WASM; PNG needs none. */
export type CodecFormat = "jpeg" | "webp";

/** For each format, a function that returns its compiled decoder; called once, at the first image of that format. */
export type CodecModules = Readonly<Record<CodecFormat, () => Promise<WebAssembly.Module>>>;

/** RGBA, 8 bits, not premultiplied, row by row. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** The interface of a codec's Emscripten glue. `decode` returns null if libwebp refuses the data. */
export interface Codec {
  decode(bytes: Uint8Array, preserveOrientation?: boolean): Pixels | null;
}

/** The part of the glue's module factory that is used here. */
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
 * Sets the source of the decoders' WASM for this process or isolate.
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
 * Creates a new instance of a codec, which takes about two milliseconds. Instances are not reused: WASM memory never shrinks, and a
 * decoder that failed on a hostile file is in an undefined state.
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
