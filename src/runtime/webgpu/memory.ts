/** The memory of a device's buffers. */

const meters = new WeakMap<GPUDevice, () => number>();

/**
 * Counts the bytes of all buffers that are created on the device from now on.
 *
 * @returns the peak number of bytes held. Buffers that are garbage-collected without being destroyed count as held.
 */
export const meterOf = (device: GPUDevice): (() => number) => {
  const known = meters.get(device);
  if (known) return known;
  let [held, most] = [0, 0];
  const create = device.createBuffer.bind(device);
  const counted = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    const buffer = create(descriptor);
    const { size } = descriptor;
    held += size;
    most = Math.max(most, held);
    const destroy = buffer.destroy.bind(buffer);
    let destroyed = false;
    Object.defineProperty(buffer, "destroy", {
      value: () => {
        if (!destroyed) held -= size;
        destroyed = true;
        destroy();
      },
    });
    return buffer;
  };
  Object.defineProperty(device, "createBuffer", { value: counted, configurable: true, writable: true });
  const meter = () => most;
  meters.set(device, meter);
  return meter;
};
