/** How much memory a device's buffers take. */

const meters = new WeakMap<GPUDevice, () => number>();

/**
 * Counts the buffers that are made on the device from now on, whoever makes them.
 *
 * @returns the most bytes that were held at a time. Buffers that are collected, not destroyed, count as held.
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
