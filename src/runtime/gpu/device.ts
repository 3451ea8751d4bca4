/** A device whose errors, and whose loss, become exceptions. */

import { DeviceLostError, GpuError } from "./error.ts";
import { reasonOf } from "../../reason.ts";

/** WebGPU's usage flags, which are not globals in Node. */
export const usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

/**
 * A device with the adapter's limits, because images and logits may be larger than WebGPU's default of 128 MiB. An adapter gives
 * one device only: a further one needs a new adapter.
 */
export const openDevice = async (adapter: GPUAdapter): Promise<GPUDevice> => {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
};

interface Loss {
  /** The error of the loss; null while the device works. */
  info: GPUDeviceLostInfo | null;
}

const losses = new WeakMap<GPUDevice, Loss>();

const lossOf = (device: GPUDevice): Loss => {
  const known = losses.get(device);
  if (known) return known;
  const loss: Loss = { info: null };
  losses.set(device, loss);
  void device.lost.then((info) => (loss.info = info));
  return loss;
};

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** @param what names the work in the error's message */
export type Guard = <T>(what: string, work: () => T | Promise<T>) => Promise<T>;

/**
 * Calls `work`, which uses the device. Rejects with DeviceLostError once the device is lost, and with GpuError where it rejects a
 * command that the work issues before it first awaits: error scopes belong to the device and must not stay open longer.
 */
export const guardOf = (device: GPUDevice): Guard => {
  const loss = lossOf(device);
  return async (what, work) => {
    if (loss.info) throw new DeviceLostError(loss.info);
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    const done = (async () => work())();
    const faults = Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const [result, fault] = await Promise.allSettled([done, faults]);
    if (result.status === "rejected" || fault.status === "rejected") await later(); // The loss may be reported after the failure that it causes.
    if (loss.info) throw new DeviceLostError(loss.info);
    if (result.status === "rejected" && result.reason instanceof GpuError) throw result.reason;
    const objection = fault.status === "rejected" ? fault.reason : fault.value.find((f) => f !== null);
    if (objection) throw new GpuError(`${what}: ${(objection as GPUError).message}`);
    if (result.status === "fulfilled") return result.value;
    throw new GpuError(`${what}: ${reasonOf(result.reason)}`, { cause: result.reason });
  };
};

/** A buffer, filled where `fill` is given. @throws GpuError where it is larger than the device allows. */
export const createBuffer = (device: GPUDevice, size: number, flags: number, fill?: ArrayBufferView): GPUBuffer => {
  const limit = device.limits.maxBufferSize;
  if (size > limit) throw new GpuError(`a buffer of ${size} bytes: the device takes at most ${limit}`);
  const buffer = device.createBuffer({ size, usage: flags, mappedAtCreation: fill !== undefined });
  if (fill) {
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(fill.buffer, fill.byteOffset, fill.byteLength));
    buffer.unmap();
  }
  return buffer;
};

/** The adapter's name, as far as it has one, and whether it is software that computes on the CPU (SwiftShader, lavapipe). */
export const adapterOf = ({ info }: GPUAdapter): { readonly name: string; readonly software: boolean } => {
  const { vendor, architecture, description, isFallbackAdapter } = info;
  const name = [vendor, architecture, description].filter(Boolean).join(", ") || "unnamed";
  return { name, software: isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(name) };
};
