/** The WebGPU runtime in a browser; this module is loaded only if it is used. */

import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?gzip";
import scriptUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import { openDevice } from "../runtime/gpu/device.ts";
import { startWebGpu, type WebGpuRuntime } from "../runtime/webgpu/webgpu.ts";
import { fetched, type OnBytes } from "./fetched.ts";

/** Fetches and decompresses a gzip file. @throws FetchError */
const unzipped = async (what: string, url: URL, type: string, onBytes: OnBytes): Promise<Blob> => {
  const { body } = await fetched(what, url, onBytes);
  const bytes = body!.pipeThrough(new DecompressionStream("gzip"));
  return new Response(bytes, { headers: { "Content-Type": type } }).blob();
};

/** @throws FetchError, RuntimeError */
export const startOn = async (adapter: GPUAdapter, onBytes: OnBytes): Promise<WebGpuRuntime> => {
  const binary = await unzipped(
    "onnxruntime for WebGPU",
    new URL(wasmUrl, import.meta.url),
    "application/wasm",
    onBytes,
  );
  const files = { wasm: URL.createObjectURL(binary), mjs: new URL(scriptUrl, import.meta.url).href };
  return startWebGpu({ adapter, device: await openDevice(adapter), files });
};
