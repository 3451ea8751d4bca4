/** Types and checks that the kernels' typed forms (`steps.ts`, `l2.ts`, `labels.ts`) share. */

import { GpuError } from "./error.ts";
import type { GpuArray, Launch } from "./gpu.ts";

export type Floats = GpuArray<"float32">;

/** Options of every kernel. Arrays hold one or more images, one after another, each of which has a layer of workgroups of its own. */
export interface Grid {
  /** Largest number of workgroups. It affects results only by the order in which sums are made. */
  readonly groups?: number | undefined;
}

/** A launch whose result is a few bytes to read. */
export interface Measurement<T> extends Launch {
  /** The result of the last run. */
  readonly read: () => Promise<T>;
}

/** Largest number of workgroups of a reduction: each leaves one partial result, and each thread of the next kernel reads one. */
const partials = 256;
const threads = 256;

/** Number of workgroups, and so of partial results, of a reduction. */
export const partialGroups = (items: number, groups = partials): number =>
  Math.min(Math.ceil(items / threads), groups, partials);

/** The length of what each of several images has of an array. @throws GpuError where they do not share it evenly. */
export const lengthPerImage = (what: string, { length }: GpuArray, images: number): number => {
  if (images >= 1 && length % images === 0) return length / images;
  throw new GpuError(`${what}: ${length} elements of ${images} images`);
};

/** @throws GpuError that names the array of another length. */
export const requireLength = (what: string, length: number, arrays: Readonly<Record<string, GpuArray>>): void => {
  for (const [name, array] of Object.entries(arrays)) {
    if (array.length !== length) throw new GpuError(`${what}: ${name} has ${array.length} elements, not ${length}`);
  }
};

/** The launch; its release also frees the buffers `own`. */
export const releasing = (launch: Launch, ...own: readonly GpuArray[]): Launch => ({
  ...launch,
  release: () => {
    launch.release();
    for (const { buffer } of own) buffer.destroy();
  },
});
