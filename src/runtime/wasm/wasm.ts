/** onnxruntime-web's WASM backend, in Node, browsers and Cloudflare Workers. */

import * as forTheWeb from "onnxruntime-web/wasm";
import { reasonOf } from "../../reason.ts";
import { oneAtATime } from "../../turns.ts";
import { runOnHost } from "../onnxruntime.ts";
import {
  RuntimeCrash,
  RuntimeError,
  type Optimisation,
  type Runtime,
  type Session,
  type SessionOptions,
} from "../session.ts";

/** How onnxruntime is started in WebAssembly. */
export interface WasmOptions {
  /** onnxruntime's WASM as a compiled module, for Workers, which may not compile bytes. */
  readonly module?: WebAssembly.Module;
  /** The build of onnxruntime-web; default: the one for the web. */
  readonly ort?: typeof forTheWeb;
  /** Threads of a run; default 1. In Node more than one need the build for Node (`threads.ts`). */
  readonly threads?: number;
  /** URL of onnxruntime's script, which its threads load too; for a bundle that does not contain it. */
  readonly script?: string;
  readonly optimisation?: Optimisation | undefined;
}

/**
 * Options of every session. Without the arena and the memory pattern the heap holds little more than the live values. In
 * sequential mode the planner would keep dead buffers for later values of the same shape, such as those of a backward pass
 * (allocation_planner.cc, FindReusableTensor). Both modes run nodes one after another on the one thread that onnxruntime-web
 * gives to them, whatever threads share the work of each. Common subexpressions are not eliminated: values that a gradient
 * recomputes to save memory would be merged with the originals; and graphs come without any others.
 */
const sessionOptions: forTheWeb.InferenceSession.SessionOptions = {
  executionProviders: ["wasm"],
  enableCpuMemArena: false,
  enableMemPattern: false,
  executionMode: "parallel",
  // Errors are thrown; a size that is only tried must not print one.
  logSeverityLevel: 4,
  extra: { optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" } },
};

/** Placeholder for the precompiled module where onnxruntime expects bytes. */
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
 * Emscripten requests a fifth more memory than the heap has; where that fails a tenth, then a twentieth. We refuse the first two
 * requests, so that the heap exceeds what is needed by at most a twentieth.
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
let ort = forTheWeb;
let graphOptimizationLevel: Optimisation = "all";

/** Starts onnxruntime in WebAssembly. Only the first call's options count: there is one WASM instance per process or isolate. */
export const startWasm = ({
  module,
  ort: build = forTheWeb,
  threads = 1,
  script,
  optimisation = "all",
}: WasmOptions = {}): Runtime => {
  if (!started) {
    started = true;
    ort = build;
    graphOptimizationLevel = optimisation;
    wrapInstantiate(module);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.proxy = false;
    ort.env.logLevel = "fatal";
    if (module) ort.env.wasm.wasmBinary = marker.buffer;
    if (script !== undefined) ort.env.wasm.wasmPaths = { mjs: script };
  }
  return {
    backend: "wasm",
    version: `onnxruntime-web ${ort.env.versions.common}`,
    createSession,
    memoryBytes: () => memory?.buffer.byteLength ?? 0,
  };
};

/** Serialises the calls into onnxruntime. */
const inTurn = oneAtATime();

/** The error that crashed the instance. Its memory is in an unknown state then, and a further call could give wrong numbers. */
let crash: unknown;

/** Whether the error is a trap, an abort or a stack overflow of the WASM, which onnxruntime's own error handling does not see. */
const isCrash = (cause: unknown): boolean =>
  cause instanceof WebAssembly.RuntimeError || (cause instanceof RangeError && cause.message.includes("call stack"));

/** One call, with its errors as RuntimeErrors; refused once the instance has crashed. */
const guarded = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
  if (crash !== undefined) throw new RuntimeCrash(`onnxruntime is down since a crash: ${reasonOf(crash)}`);
  try {
    return await call();
  } catch (cause) {
    if (!isCrash(cause)) throw new RuntimeError(`${what}: ${reasonOf(cause)}`, { cause });
    crash = cause;
    throw new RuntimeCrash(`${what}: onnxruntime crashed: ${reasonOf(cause)}`, { cause });
  }
};

const wrapped = <T>(what: string, call: () => Promise<T>): Promise<T> => inTurn(() => guarded(what, call));

const createSession = async (model: Uint8Array, { optimised = false }: SessionOptions = {}): Promise<Session> => {
  const session = await wrapped("the model was refused", () => {
    const level = optimised ? "disabled" : graphOptimizationLevel;
    return ort.InferenceSession.create(model, { ...sessionOptions, graphOptimizationLevel: level });
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: (feeds) => wrapped("the run failed", () => runOnHost(ort.Tensor, session, feeds)),
    release: () => wrapped("the release failed", () => session.release()),
  };
};
