/** What a device is asked for, counted. Part of `bench -- webgpu`. */

/** Counts the bytes that are read back from a device, by its mappable buffers: each is created for one reading. */
export const readThrough = (device: GPUDevice): (() => number) => {
  let bytes = 0;
  const create = device.createBuffer.bind(device);
  const value = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    if ((descriptor.usage & 1) !== 0) bytes += descriptor.size; // GPUBufferUsage.MAP_READ
    return create(descriptor);
  };
  Object.defineProperty(device, "createBuffer", { configurable: true, writable: true, value });
  return () => bytes;
};

/** Counts the dispatches of compute passes on a device. */
export const dispatchesThrough = (device: GPUDevice): (() => number) => {
  let dispatches = 0;
  const encode = device.createCommandEncoder.bind(device);
  const counted = (pass: GPUComputePassEncoder): GPUComputePassEncoder => {
    const dispatch = pass.dispatchWorkgroups.bind(pass);
    const value = (...groups: Parameters<typeof dispatch>): undefined => {
      dispatches += 1;
      dispatch(...groups);
    };
    return Object.defineProperty(pass, "dispatchWorkgroups", { configurable: true, value });
  };
  const value = (descriptor?: GPUCommandEncoderDescriptor): GPUCommandEncoder => {
    const encoder = encode(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    const opened = (pass?: GPUComputePassDescriptor): GPUComputePassEncoder => counted(begin(pass));
    return Object.defineProperty(encoder, "beginComputePass", { configurable: true, value: opened });
  };
  Object.defineProperty(device, "createCommandEncoder", { configurable: true, writable: true, value });
  return () => dispatches;
};
