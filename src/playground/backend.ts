/** The backends of the visitor's machine: selection for a network, and the runtimes, each of which is started once. */

import wasmBytes from "onnxruntime-web/ort-wasm-simd-threaded.wasm?bytes";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import scriptUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import { crfOf, defenceOf, type Setting } from "../evaluation/settings.ts";
import { chooseBackend, type Adapter, type Choice, type Wanted } from "../runtime/choose.ts";
import { RuntimeError, type Backend, type Runtime } from "../runtime/session.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { atScales } from "../segmenter/ensemble.ts";
import { createFronts } from "../segmenter/front.ts";
import type { Network } from "../segmenter/network.ts";
import { fetched, type OnBytes } from "./fetched.ts";

export interface Started {
  readonly runtime: Runtime;
  readonly threads: number;
}

/** The machine's memory in bytes; browsers report it rounded and at most 8 GiB, or not at all. */
const machineBytes = (): number => ((navigator as { readonly deviceMemory?: number }).deviceMemory ?? 4) * 2 ** 30;

/** Maximum predicted memory of a run: a quarter of the machine's, at most 2 GiB. The address space of WASM ends at 4 GiB. */
export const budgetBytes = (): number => Math.min(machineBytes() / 4, 2 * 2 ** 30);

/** The number of threads. They need shared memory, which requires cross-origin isolation; more threads than cores gain nothing. */
const threadsHere = (): number =>
  globalThis.crossOriginIsolated ? Math.min(8, Math.max(1, Math.ceil(navigator.hardwareConcurrency / 2))) : 1;

/** @throws Error, saying why, where there is none. */
const openAdapter = async (): Promise<GPUAdapter> => {
  const gpu = (navigator as { readonly gpu?: GPU }).gpu;
  if (!globalThis.isSecureContext) throw new Error("browsers give WebGPU to pages over https alone");
  if (!gpu) throw new Error("this browser has no WebGPU");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("this browser has WebGPU, but no adapter for it");
  return adapter;
};

const nameOf = ({ info: { vendor, architecture, description } }: GPUAdapter): string =>
  description || [vendor, architecture].filter(Boolean).join(" ") || "unnamed";

/** @throws Error, saying why, where there is none. */
const adapterHere = async (): Promise<Adapter> => {
  const adapter = await openAdapter();
  return { name: nameOf(adapter), software: adapter.info.isFallbackAdapter };
};

const faultsOf = (network: Network, setting: Setting): readonly string[] => {
  const { scales, fusion } = setting;
  const seen = scales ? atScales(network, scales, fusion) : network;
  const [crf, defence] = [crfOf(setting, seen.manifest), defenceOf(setting, seen.manifest, 0)];
  return gpuFaults(seen, crf, defence ? createFronts(defence).scored : undefined);
};

/**
 * The backend for a network as it is scored and as it is climbed.
 *
 * @throws RuntimeError if WebGPU is requested and not available; ManifestError for scales that the network cannot take.
 */
export const chooseFor = (network: Network, settings: readonly Setting[], wanted: Wanted): Promise<Choice> => {
  const missing = () => [...new Set([...new Set(settings)].flatMap((setting) => faultsOf(network, setting)))];
  return chooseBackend(wanted, { adapter: adapterHere, missing });
};

/** Browsers have no other. */
const starts: { readonly [B in Backend]?: (onBytes: OnBytes) => Promise<Started> } = {
  wasm: async (onBytes) => {
    const binary = await fetched("onnxruntime", new URL(wasmUrl, import.meta.url), onBytes, wasmBytes);
    const module = await WebAssembly.compileStreaming(binary);
    const threads = threadsHere();
    return { runtime: startWasm({ module, threads, script: new URL(scriptUrl, import.meta.url).href }), threads };
  },
  webgpu: async (onBytes) => {
    const { startOn } = await import("./webgpu.ts");
    return { runtime: await startOn(await openAdapter(), onBytes), threads: 1 };
  },
};

const started = new Map<Backend, Promise<Started>>();

/** Starts the runtime of a backend once; a failed start is tried again. @throws FetchError, RuntimeError */
export const start = (backend: Backend, onBytes: OnBytes): Promise<Started> => {
  const known = started.get(backend);
  if (known) return known;
  const starting = starts[backend]?.(onBytes);
  if (!starting) throw new RuntimeError(`a browser has no ${backend} backend`);
  started.set(backend, starting);
  starting.catch(() => started.delete(backend));
  return starting;
};
