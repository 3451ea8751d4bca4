/** onnxruntime-web's WebGPU backend in Node, over Dawn, with the parts of a browser that it expects. */

import { setFlagsFromString } from "node:v8";
import { openDevice } from "../gpu/device.ts";
import { openAdapter, readKernels } from "../gpu/node.ts";
import { openGpu } from "../gpu/gpu.ts";
import type { Device } from "../gpu/resident.ts";
import { startWebGpu, type WebGpuOptions, type WebGpuRuntime } from "./webgpu.ts";

const patched = new WeakSet<GPUQueue>();

/** Copies views on shared memory, such as onnxruntime's heap, which Dawn's binding refuses. */
const copyShared = (queue: GPUQueue): void => {
  if (patched.has(queue)) return;
  patched.add(queue);
  const write = queue.writeBuffer.bind(queue);
  const copying: GPUQueue["writeBuffer"] = (buffer, offset, data, from = 0, size) => {
    const shared = (ArrayBuffer.isView(data) ? data.buffer : data) instanceof SharedArrayBuffer;
    if (!shared) return write(buffer, offset, data, from, size);
    const [bytes, unit] = ArrayBuffer.isView(data)
      ? [new Uint8Array(data.buffer, data.byteOffset, data.byteLength), unitOf(data)]
      : [new Uint8Array(data), 1];
    const end = size === undefined ? bytes.length : (from + size) * unit;
    return write(buffer, offset, bytes.slice(from * unit, end));
  };
  Object.defineProperty(queue, "writeBuffer", { value: copying });
};

/** Offsets and sizes are in elements of the typed array. */
const unitOf = (view: ArrayBufferView): number =>
  "BYTES_PER_ELEMENT" in view ? (view as Uint8Array).BYTES_PER_ELEMENT : 1;

/** onnxruntime looks for `navigator.gpu` before it takes the device that it is given. */
const provideNavigator = (adapter: GPUAdapter): void => {
  const scope = globalThis as { navigator?: object };
  scope.navigator ??= {};
  if ("gpu" in scope.navigator) return;
  const gpu = { requestAdapter: () => Promise.resolve(adapter) };
  Object.defineProperty(scope.navigator, "gpu", { value: gpu, configurable: true });
};

/**
 * Starts onnxruntime on WebGPU in Node, on a device of its own where none is given. Until Node 24 WebAssembly is compiled without optimisation from then
 * on: V8 would spend a minute on optimising onnxruntime, which here only gives commands.
 *
 * @throws RuntimeError where the machine has no adapter; the message says why.
 */
export const startWebGpuInNode = async (
  options: Partial<Pick<WebGpuOptions, "adapter" | "device" | "cpuFallback">> = {},
): Promise<WebGpuRuntime> => {
  if (Number.parseInt(process.versions.node, 10) < 24) setFlagsFromString("--liftoff-only");
  const adapter = options.adapter ?? (await openAdapter());
  const device = options.device ?? (await openDevice(adapter));
  provideNavigator(adapter);
  copyShared(device.queue);
  return startWebGpu({ ...options, adapter, device });
};

/** A new device with onnxruntime and the kernels on it, for `startGpuRuntime`. @throws RuntimeError where there is no adapter. */
export const openNodeDevice = async (): Promise<Device> => {
  const adapter = await openAdapter();
  const device = await openDevice(adapter);
  return { runtime: await startWebGpuInNode({ adapter, device }), gpu: openGpu(device, readKernels()) };
};
