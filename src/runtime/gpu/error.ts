/** What can go wrong on a GPU. All are RuntimeErrors: the backend failed. */

import { RuntimeCrash, RuntimeError } from "../session.ts";

/** A kernel, a binding or a command that the GPU, or its description in the kernel, does not take. */
export class GpuError extends RuntimeError {}

/**
 * The device is gone, with all buffers and pipelines on it: the driver was reset, the GPU was unplugged, the device was
 * destroyed. Recover by a new device, and by uploading again what the last completed step left.
 */
export class DeviceLostError extends RuntimeCrash {
  /** As WebGPU tells it: "destroyed" by its owner, or "unknown". */
  readonly reason: string;

  constructor({ reason, message }: { readonly reason: string; readonly message: string }, options?: ErrorOptions) {
    super(`the GPU device was lost (${reason})${message ? `: ${message}` : ""}`, options);
    this.reason = reason;
  }
}
