/** Compiles WGSL to pipelines, once for each device, source and set of constants. */

import { usage, type Guard } from "./device.ts";
import { GpuError } from "./error.ts";
import { bindingBytes, readShader, type Binding, type ElementType, type Shader } from "./shader.ts";

/** An array of elements at the beginning of a buffer of the device. */
export interface GpuArray<D extends ElementType = ElementType> {
  readonly buffer: GPUBuffer;
  readonly dtype: D;
  readonly length: number;
}

export interface Kernel {
  readonly shader: Shader;
  readonly layout: GPUBindGroupLayout;
  readonly pipeline: GPUComputePipeline;
}

/** A kernel's `override` constants, by name. */
export type Constants = Readonly<Record<string, number>>;

const compute = 4;

const layoutOf = (device: GPUDevice, { name, bindings, uniform }: Shader): GPUBindGroupLayout => {
  const entries: GPUBindGroupLayoutEntry[] = bindings.map(({ index, writable }) => ({
    binding: index,
    visibility: compute,
    buffer: { type: writable ? "storage" : "read-only-storage" },
  }));
  if (uniform !== null) entries.push({ binding: uniform, visibility: compute, buffer: { type: "uniform" } });
  return device.createBindGroupLayout({ label: name, entries });
};

/** @throws GpuError with the kernel, line and column of each compile error. */
const compile = async (device: GPUDevice, shader: Shader, constants: Constants): Promise<Kernel> => {
  const { name, source } = shader;
  const layout = layoutOf(device, shader);
  const module = device.createShaderModule({ label: name, code: source });
  const pipelineLayout = device.createPipelineLayout({ label: name, bindGroupLayouts: [layout] });
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter(({ type }) => type === "error");
  if (errors.length > 0) {
    throw new GpuError(errors.map((e) => `${name}.wgsl:${e.lineNum}:${e.linePos}: ${e.message}`).join("\n"));
  }
  const pipeline = await device.createComputePipelineAsync({
    label: name,
    layout: pipelineLayout,
    compute: { module, entryPoint: "main", constants: { ...constants } },
  });
  return { shader, layout, pipeline };
};

const compiled = new WeakMap<GPUDevice, Map<string, Promise<Kernel>>>();

/** The compiled kernel, cached by device, source and constants. A failure is not cached. */
export const kernelOf = (
  device: GPUDevice,
  guard: Guard,
  name: string,
  source: string,
  constants: Constants,
): Promise<Kernel> => {
  const kernels = compiled.get(device) ?? new Map<string, Promise<Kernel>>();
  compiled.set(device, kernels);
  const key = JSON.stringify([name, source, constants]);
  const known = kernels.get(key);
  if (known) return known;
  const kernel = guard(name, () => compile(device, readShader(name, source), constants));
  kernels.set(key, kernel);
  kernel.catch(() => kernels.delete(key));
  return kernel;
};

/** The bind group entry for a declared binding. @throws GpuError where the array has another type, or its buffer cannot be bound. */
export const entryOf = (
  device: GPUDevice,
  kernel: string,
  { name, index, dtype, stride }: Binding,
  array: GpuArray,
): GPUBindGroupEntry => {
  const refuse = (message: string): never => {
    throw new GpuError(`${kernel}: ${name} ${message}`);
  };
  const size = bindingBytes(array.dtype, array.length);
  const limit = device.limits.maxStorageBufferBindingSize;
  if (array.dtype !== dtype) refuse(`is ${dtype}, not ${array.dtype}`);
  if (size === 0 || size % stride !== 0) refuse(`has elements of ${stride} bytes, and ${size} bytes were given`);
  if (size > limit) refuse(`has ${size} bytes; the device binds at most ${limit}`);
  if ((array.buffer.usage & usage.storage) === 0) refuse("is in a buffer that is not for storage");
  return { binding: index, resource: { buffer: array.buffer, size } };
};
