/** The errors of a GPU. All are RuntimeErrors: the backend failed. */

import { RuntimeCrash, RuntimeError } from "../session.ts";

/** A kernel, a binding or a command that the GPU, or the kernel's own declarations, reject. */
export class GpuError extends RuntimeError {}

/**
 * The device is gone, with all buffers and pipelines on it: the driver was reset, the GPU was unplugged, the device was
 * destroyed. To recover, open a new device and upload the result of the last completed step.
 */
export class DeviceLostError extends RuntimeCrash {
  /** WebGPU's reason: "destroyed" (by its owner) or "unknown". */
  readonly reason: string;

  constructor({ reason, message }: { readonly reason: string; readonly message: string }, options?: ErrorOptions) {
    super(`the GPU device was lost (${reason})${message ? `: ${message}` : ""}`, options);
    this.reason = reason;
  }
}
