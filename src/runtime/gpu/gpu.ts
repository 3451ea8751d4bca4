/**
 * Compute kernels (kernels/*.wgsl) on a WebGPU device: compiled once, bound by name and type, launched. Buffers that others own on
 * the same device (onnxruntime) can be bound too. This file knows no platform: the caller passes the device and the sources. The
 * typed forms of the kernels are in `steps.ts` and `labels.ts`.
 */

import type { DataOf } from "../../tensor.ts";
import { createBuffer, guardOf, usage } from "./device.ts";
import { GpuError } from "./error.ts";
import { entryOf, kernelOf, type Constants, type GpuArray } from "./pipeline.ts";
import { bindingBytes, parameterBytes, requireNames, type ElementType } from "./shader.ts";

export type { GpuArray } from "./pipeline.ts";

/** WGSL by kernel name. */
export type KernelSources = Readonly<Record<string, string>>;

/** Commands with their bindings, created once and recorded any number of times. */
export interface Launch {
  readonly record: (encoder: GPUCommandEncoder) => void;
  /** Frees the launch's own buffers; it can no longer be recorded. */
  readonly release: () => void;
}

export interface LaunchOptions {
  /** Buffers by the names that the kernel declares. */
  readonly buffers: Readonly<Record<string, GpuArray>>;
  readonly parameters: Readonly<Record<string, number>>;
  /** Number of items that the threads divide among them; kernels stride over them, so that any number of workgroups gives the same. */
  readonly items: number;
  /** Largest number of workgroups; default: the device's limit in one dimension. */
  readonly groups?: number | undefined;
  /** Workgroups in the second dimension; default 1. */
  readonly layers?: number | undefined;
  readonly constants?: Constants | undefined;
}

/** All methods reject with DeviceLostError once the device is lost. */
export interface Gpu {
  readonly device: GPUDevice;
  /** Creates a buffer with a copy of the data. @throws GpuError where it is too large for the device. */
  readonly upload: <D extends ElementType>(dtype: D, data: DataOf<D>) => Promise<GpuArray<D>>;
  /** Creates a buffer of zeros. @throws GpuError where it is too large for the device. */
  readonly allocate: <D extends ElementType>(dtype: D, length: number) => Promise<GpuArray<D>>;
  /** Replaces elements of a buffer, from the `first` on; each must have four bytes. @throws GpuError where they are too many. */
  readonly write: <D extends Exclude<ElementType, "uint8">>(
    array: GpuArray<D>,
    data: DataOf<D>,
    first?: number,
  ) => Promise<void>;
  /** Binds a kernel. @throws GpuError where the kernel does not compile (with the line), or has other bindings. */
  readonly launch: (kernel: string, options: LaunchOptions) => Promise<Launch>;
  /** Submits launches in this order; resolves once they are accepted, before they have finished. */
  readonly run: (...launches: readonly Launch[]) => Promise<void>;
  /** Reads the elements, or those of a span, after everything that was submitted before has finished. */
  readonly read: <D extends ElementType>(array: GpuArray<D>, span?: Span) => Promise<DataOf<D>>;
}

const arrays = { float32: Float32Array, int32: Int32Array, uint32: Uint32Array, uint8: Uint8Array } as const;
const mapForReading = 1;

/** The first elements of a buffer of any owner. @throws GpuError where it is too small. */
export const arrayOf = <D extends ElementType>(buffer: GPUBuffer, dtype: D, length: number): GpuArray<D> => {
  const needed = bindingBytes(dtype, length);
  if (buffer.size < needed) throw new GpuError(`${length} × ${dtype}: ${needed} bytes; the buffer has ${buffer.size}`);
  return { buffer, dtype, length };
};

/** Several launches as one. */
export const sequence = (...launches: readonly Launch[]): Launch => ({
  record: (encoder) => {
    for (const launch of launches) launch.record(encoder);
  },
  release: () => {
    for (const launch of launches) launch.release();
  },
});

/** Sets all elements to zero. */
export const clear = ({ buffer, dtype, length }: GpuArray): Launch => ({
  record: (encoder) => encoder.clearBuffer(buffer, 0, bindingBytes(dtype, length)),
  release: () => undefined,
});

/** Some elements of an array, of four bytes each. */
export interface Span {
  readonly first: number;
  readonly length: number;
}

/** Copies all elements, or those of a span, to the same places of another array. */
export const copy = (
  from: GpuArray,
  to: GpuArray,
  { first, length }: Span = { first: 0, length: from.length },
): Launch => ({
  record: (encoder) =>
    encoder.copyBufferToBuffer(from.buffer, 4 * first, to.buffer, 4 * first, bindingBytes(from.dtype, length)),
  release: () => undefined,
});

export const openGpu = (device: GPUDevice, sources: KernelSources): Gpu => {
  const guard = guardOf(device);

  const store = <D extends ElementType>(dtype: D, length: number, data?: DataOf<D>): Promise<GpuArray<D>> =>
    guard(`${length} × ${dtype}`, () => {
      const size = 16 * Math.max(Math.ceil(bindingBytes(dtype, length) / 16), 1); // onnxruntime allocates in the same unit.
      const flags = usage.storage | usage.copySource | usage.copyTarget;
      return arrayOf(createBuffer(device, size, flags, data), dtype, length);
    });

  const submit = (record: (encoder: GPUCommandEncoder) => void): void => {
    const encoder = device.createCommandEncoder();
    record(encoder);
    device.queue.submit([encoder.finish()]);
  };

  return {
    device,
    upload: (dtype, data) => store(dtype, data.length, data),
    allocate: (dtype, length) => store(dtype, length),

    write: ({ buffer, length }, data, first = 0) =>
      guard("write", () => {
        if (first + data.length > length)
          throw new GpuError(`write: ${data.length} elements into ${length}, from ${first} on`);
        device.queue.writeBuffer(buffer, 4 * first, data);
      }),

    launch: async (name, { buffers, parameters, items, groups, layers = 1, constants = {} }) => {
      const source = sources[name];
      if (source === undefined) throw new GpuError(`no kernel ${name}; there are ${Object.keys(sources).join(", ")}`);
      const { shader, layout, pipeline } = await kernelOf(device, guard, name, source, constants);
      const declared = shader.bindings.map((binding) => binding.name);
      requireNames(`${name}: buffers`, Object.keys(buffers), declared);
      const bytes = parameterBytes(shader, parameters);
      const maxWorkgroups = device.limits.maxComputeWorkgroupsPerDimension;
      const across = Math.min(Math.ceil(items / shader.workgroup), groups ?? maxWorkgroups, maxWorkgroups);
      return guard(name, () => {
        const entries = shader.bindings.map((b) => entryOf(device, name, b, buffers[b.name]!));
        const uniform = createBuffer(device, bytes.byteLength, usage.uniform, bytes);
        if (shader.uniform !== null) entries.push({ binding: shader.uniform, resource: { buffer: uniform } });
        const group = device.createBindGroup({ label: name, layout, entries });
        return {
          record: (encoder) => {
            const pass = encoder.beginComputePass({ label: name });
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, group);
            pass.dispatchWorkgroups(across, layers);
            pass.end();
          },
          release: () => uniform.destroy(),
        };
      });
    },

    run: (...launches) => guard("run", () => submit(sequence(...launches).record)),

    read: ({ buffer, dtype, ...whole }, { first, length } = { first: 0, length: whole.length }) =>
      guard("read", async () => {
        const size = bindingBytes(dtype, length);
        const staging = createBuffer(device, size, usage.mapRead | usage.copyTarget);
        submit((encoder) => encoder.copyBufferToBuffer(buffer, 4 * first, staging, 0, size));
        await staging.mapAsync(mapForReading);
        const copy = staging.getMappedRange().slice(0);
        staging.destroy();
        return new arrays[dtype](copy, 0, length) as DataOf<typeof dtype>;
      }),
  };
};
