/** onnxruntime-web's WASM backend: one thread, in Node, browsers and Cloudflare Workers. */

import * as ort from "onnxruntime-web/wasm";
import { tensor, type DataOf, type DType, type Tensor } from "../tensor.ts";
import { RuntimeError, type Runtime, type Session } from "./session.ts";

export interface WasmOptions {
  /** onnxruntime's WASM, compiled ahead: where compiling from bytes is forbidden (Workers). */
  readonly module?: WebAssembly.Module;
}

/**
 * How sessions are made. Without the arena and the memory pattern the heap holds what is alive, and little more; but in
 * sequential mode the planner would keep dead buffers for later values of the same shape, a backward pass's for instance
 * (allocation_planner.cc, FindReusableTensor). With one thread the modes execute alike.
 */
const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionProviders: ["wasm"],
  graphOptimizationLevel: "all",
  enableCpuMemArena: false,
  enableMemPattern: false,
  executionMode: "parallel",
};

/** Stands for the precompiled module where onnxruntime expects its bytes. */
const marker = new Uint8Array([0x66, 0x61, 0x75, 0x6c, 0x74, 0x00, 0x00, 0x01]);

let memory: WebAssembly.Memory | undefined;

const isMemory = (value: unknown): value is WebAssembly.Memory => value instanceof WebAssembly.Memory;

const sameBytes = (source: unknown): boolean => {
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
  return bytes instanceof Uint8Array && bytes.length === marker.length && bytes.every((b, i) => b === marker[i]);
};

/** The memory among the imports of a module, or among the exports of its instance. */
const findMemory = (
  ...spaces: readonly (Readonly<Record<string, unknown>> | undefined)[]
): WebAssembly.Memory | undefined => spaces.flatMap((space) => Object.values(space ?? {})).find(isMemory);

/**
 * Emscripten asks for a fifth more memory than the heap has, where that fails for a tenth, then for a twentieth. We refuse the
 * first two, so that the heap stays within a twentieth of what is needed.
 */
const growByTwentieths = (heap: WebAssembly.Memory): void => {
  const grow = heap.grow.bind(heap);
  let asked = 0;
  const refusing = (pages: number): number => {
    asked += 1;
    if (asked < 3) throw new RangeError("ask for less");
    asked = 0;
    return grow(pages);
  };
  Object.defineProperty(heap, "grow", { value: refusing });
};

/**
 * onnxruntime calls WebAssembly.instantiate once, at its first session. Wrapped, it takes the precompiled module in
 * place of the marker, and we keep the memory that the instance uses, to read its size.
 */
const wrapInstantiate = (module: WebAssembly.Module | undefined): void => {
  const original = WebAssembly.instantiate.bind(WebAssembly) as (...args: readonly unknown[]) => Promise<unknown>;
  const wrapped = async (source: unknown, imports: WebAssembly.Imports = {}): Promise<unknown> => {
    const given = Object.values(imports) as Record<string, unknown>[];
    const ours = module && sameBytes(source);
    const result = ours
      ? { module, instance: new WebAssembly.Instance(module, imports) }
      : await original(source, imports);
    const { instance } = result as { readonly instance?: WebAssembly.Instance };
    if (!memory) {
      memory = findMemory(...given, instance?.exports);
      if (memory) growByTwentieths(memory);
    }
    return result;
  };
  Object.assign(WebAssembly, { instantiate: wrapped });
};

let started = false;

/** The WASM runtime. Only the first call's options count: there is one WASM instance per process or isolate. */
export const startWasm = ({ module }: WasmOptions = {}): Runtime => {
  if (!started) {
    started = true;
    wrapInstantiate(module);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.proxy = false;
    if (module) ort.env.wasm.wasmBinary = marker.buffer;
  }
  return {
    backend: "wasm",
    version: `onnxruntime-web ${ort.env.versions.common}`,
    createSession,
    memoryBytes: () => memory?.buffer.byteLength ?? 0,
  };
};

/** One call into onnxruntime at a time. */
let last: Promise<unknown> = Promise.resolve();
const serialise = <T>(call: () => Promise<T>): Promise<T> => {
  const next = last.then(call, call);
  last = next.catch(() => undefined);
  return next;
};

const wrapped = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await serialise(call);
  } catch (cause) {
    throw new RuntimeError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

const createSession = async (model: Uint8Array): Promise<Session> => {
  const session = await wrapped("the model was refused", () => ort.InferenceSession.create(model, sessionOptions));
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: (feeds) => wrapped("the run failed", () => run(session, feeds)),
    release: () => wrapped("the release failed", () => session.release()),
  };
};

const run = async (
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> => {
  const given = session.inputNames.map((name) => {
    const t = feeds[name];
    if (!t) throw new RuntimeError(`input "${name}" is missing; given: ${Object.keys(feeds).join(", ")}`);
    return [name, new ort.Tensor(t.dtype as "float32", t.data as Float32Array, [...t.shape])] as const;
  });
  const results = await session.run(Object.fromEntries(given));
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
};

/** Results are copied out of the WASM heap by onnxruntime. */
const fromOrt = (value: ort.Tensor): Tensor => tensor(value.type as DType, [...value.dims], value.data as DataOf);
