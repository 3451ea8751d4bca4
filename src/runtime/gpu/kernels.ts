/** What the kernels' typed forms (`steps.ts`, `labels.ts`) share. */

import { GpuError } from "./error.ts";
import type { GpuArray, Launch } from "./gpu.ts";

export type Floats = GpuArray<"float32">;

/** In the options of every kernel. */
export interface Grid {
  /** At most so many workgroups. The result does not depend on it, beyond the order of sums. */
  readonly groups?: number | undefined;
}

/** A launch with a result of a few bytes. */
export interface Measurement<T> extends Launch {
  /** What the last run measured. */
  readonly read: () => Promise<T>;
}

/** @throws GpuError */
export const requireLength = (what: string, length: number, arrays: Readonly<Record<string, GpuArray>>): void => {
  for (const [name, array] of Object.entries(arrays)) {
    if (array.length !== length) throw new GpuError(`${what}: ${name} has ${array.length} elements, not ${length}`);
  }
};

/** The launch, with buffers that it frees with its own. */
export const releasing = (launch: Launch, ...own: readonly GpuArray[]): Launch => ({
  ...launch,
  release: () => {
    launch.release();
    for (const { buffer } of own) buffer.destroy();
  },
});
