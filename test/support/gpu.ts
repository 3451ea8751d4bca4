/**
 * WebGPU for tests, mostly on software Vulkan (scripts/software-vulkan.ts; VK_DRIVER_FILES chooses another driver). Where there
 * is none, the tests are skipped and print the reason.
 */

import { NO_VULKAN } from "../../scripts/software-vulkan.ts";
import { adapterOf, openDevice } from "../../src/runtime/gpu/device.ts";
import { openAdapter, readKernels } from "../../src/runtime/gpu/node.ts";
import { openGpu, type Gpu, type GpuArray } from "../../src/runtime/gpu/gpu.ts";
import type { ElementType } from "../../src/runtime/gpu/shader.ts";
import type { DataOf } from "../../src/tensor.ts";

/** A new device, which a test may break. */
export const openTestDevice = async (): Promise<GPUDevice> => openDevice(await openAdapter());

const find = async (): Promise<Gpu & { readonly software: boolean }> => {
  const reason = process.env[NO_VULKAN];
  if (reason) throw new Error(reason);
  const adapter = await openAdapter();
  const { software } = adapterOf(adapter);
  return { ...openGpu(await openDevice(adapter), readKernels()), software };
};

const found = await find().catch((error: unknown) => String(error));
if (typeof found === "string") console.warn(`The tests on a GPU are skipped: ${found}`);

/** Whether there is a GPU. */
export const hasGpu: boolean = typeof found !== "string";

/**
 * Whether the GPU is hardware. Software adds in WASM's order and mostly agrees to the last bit. A hardware GPU does not: where
 * rounding puts an activation on the other side of a kink or of a level, later values differ by more than rounding.
 */
export const isHardware: boolean = typeof found !== "string" && !found.software;

/** Ends the title of a test that needs a GPU. */
export const gpuNote: string = typeof found === "string" ? ` (skipped: ${found})` : "";

/** The kernels on a device; without a device where the tests are skipped. */
export const gpu: Gpu =
  typeof found === "string" ? openGpu({ lost: new Promise(() => undefined) } as unknown as GPUDevice, {}) : found;

/** Runs `work` with arrays that are freed afterwards. */
export const withArrays = async <T>(
  gpu: Gpu,
  work: (upload: <D extends ElementType>(dtype: D, data: DataOf<D>) => Promise<GpuArray<D>>) => Promise<T>,
): Promise<T> => {
  const arrays: GpuArray[] = [];
  try {
    return await work(async (dtype, data) => {
      const array = await gpu.upload(dtype, data);
      arrays.push(array);
      return array;
    });
  } finally {
    for (const { buffer } of arrays) buffer.destroy();
  }
};
