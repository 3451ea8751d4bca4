/** Sizes, images and gradients that the kernels of a step are tested with. */

import * as fc from "fast-check";
import { project, type Constraint } from "../../../src/attacks/constraint.ts";
import { between, chance, integer, pick, type Random } from "../../../src/random.ts";

export const sizes = fc.oneof(fc.constantFrom(1, 2, 255, 256, 257, 4099), fc.integer({ min: 1, max: 2000 }));
/** Of what is reduced: software takes milliseconds for a workgroup that waits for its own threads. */
export const reduced = fc.oneof(fc.constantFrom(1, 2, 255, 256, 257), fc.integer({ min: 1, max: 700 }));
/** Few workgroups, so that threads stride; none given: as many as the items need. */
export const groups = fc.constantFrom(1, 2, 3, undefined);
export const ranges = fc.constantFrom<readonly [number, number] | null>([0, 255], null);
export const radii = fc.oneof(fc.constantFrom(0.1, 0.25, 1, 8, 255), fc.double({ min: 1e-3, max: 64, noNaN: true }));
export const seeds = fc.nat();

export const floats = (length: number, value: (i: number) => number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => value(i));

/** Whole and fractional grey levels. */
export const greys = (next: Random, length: number): Float32Array<ArrayBuffer> =>
  floats(length, () => (chance(next, 0.5) ? integer(next, 0, 255) : between(next, 0, 255)));

/** Of every magnitude, subnormals and zeros of both signs among them. */
export const gradients = (next: Random, length: number): Float32Array<ArrayBuffer> =>
  floats(length, () =>
    chance(next, 0.2) ? pick(next, [0, -0, 1e-40, -1e-42, 3e38]) : between(next, -1, 1) * 10 ** between(next, -30, 3),
  );

export const fixed = <T>(values: readonly T[]) => {
  let i = 0;
  return () => Promise.resolve(values[i++]!);
};

/** Values that differ; NaN equals NaN. */
export const differing = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((n, v, i) => n + (v === b[i] || (Number.isNaN(v) && Number.isNaN(b[i])) ? 0 : 1), 0);

/** Ends of the ball met with the range. */
export const endsOf = (centre: Float32Array, ball: Constraint) =>
  [-Infinity, Infinity].map((end) => project(new Float32Array(centre.length).fill(end), centre, ball)) as [
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
  ];
