/** Objectives whose optimum in a ball is known, to attack without a network. */

import type { Evaluation, Image, Objective } from "../../src/attacks/attack.ts";
import { tensorOf } from "../../src/tensor.ts";

/** [3,1,n/3] of the given grey levels. */
export const imageOf = (values: ArrayLike<number>): Image => tensorOf("float32", [3, 1, values.length / 3], values);

/** ⟨w, x⟩: its gradient is w everywhere. */
export const linear =
  (w: readonly number[]): Objective =>
  (image): Promise<Evaluation> =>
    Promise.resolve({
      gradient: tensorOf("float32", image.shape, w),
      value: image.data.reduce((sum, v, i) => sum + v * w[i]!, 0),
    });

/** −½‖x − c‖²: climbs to c. */
export const bowl =
  (c: readonly number[]): Objective =>
  (image) =>
    Promise.resolve({
      gradient: tensorOf(
        "float32",
        image.shape,
        Array.from(image.data, (v, i) => c[i]! - v),
      ),
      value: image.data.reduce((sum, v, i) => sum - (v - c[i]!) ** 2 / 2, 0),
    });

/** −¼ Σ (x − c)⁴: climbs to c, and is not quadratic. */
export const quartic =
  (c: readonly number[]): Objective =>
  (image) =>
    Promise.resolve({
      gradient: tensorOf(
        "float32",
        image.shape,
        Array.from(image.data, (v, i) => (c[i]! - v) ** 3),
      ),
      value: image.data.reduce((sum, v, i) => sum - (v - c[i]!) ** 4 / 4, 0),
    });

/** Counts its evaluations, and keeps where they were. */
export const counted = (objective: Objective): Objective & { readonly at: Image[] } => {
  const at: Image[] = [];
  const watched: Objective = (image, ...rest) => {
    at.push(image);
    return objective(image, ...rest);
  };
  return Object.assign(watched, { at });
};

/** Pixels of an image [3,1,n] that each have a plane of their own to cross. */
export interface Planes {
  readonly clean: Image;
  /** Normals, [n][3]. */
  readonly normals: readonly (readonly number[])[];
  /** What each pixel lacks at the clean image. */
  readonly lacks: readonly number[];
}

/** A function of a pixel's excess c and of what the rule feeds for the pixel, and its derivative in c. */
export type Shape = (c: number, fed: (name: string) => number) => readonly [value: number, slope: number];

/**
 * −Σ ω·c over the pixels, c = lack − ⟨normal, x − clean⟩, with the weights ω that a rule feeds, or 1. A pixel is moved where c < 0.
 *
 * @param shape a function of c that is summed in place of it, and its derivative.
 */
export const planes = ({ clean, normals, lacks }: Planes, shape: Shape = (c) => [c, 1]): Objective => {
  const count = lacks.length;
  return ({ data }, _, feeds) => {
    const weights = feeds?.["weights"]?.data ?? new Float32Array(count).fill(1);
    const excess = lacks.map((lack, p) =>
      normals[p]!.reduce((c, w, k) => c - w * (data[k * count + p]! - clean.data[k * count + p]!), lack),
    );
    const shaped = excess.map((c, p) =>
      shape(c, (name) => Number(feeds?.[name]?.data.at(p) ?? feeds?.[name]?.data[0])),
    );
    const gradient = Array.from(data, (__, i) => {
      const p = i % count;
      return Number(weights[p]) * shaped[p]![1] * normals[p]![Math.floor(i / count)]!;
    });
    return Promise.resolve({
      gradient: tensorOf("float32", clean.shape, gradient),
      value: -shaped.reduce((sum, [value], p) => sum + Number(weights[p]) * value, 0),
      perPixel: tensorOf("float32", [1, count], excess),
      remaining: excess.filter((c) => c >= 0).length / count,
    });
  };
};

/** An image of two pixels, an optimum beside it, and planes that its pixels cannot be moved far enough to cross. */
export const twoPixels = imageOf([0, 40, 80, 120, 160, 255]);
export const optimum = bowl([3.3, 31, 82.4, 117.7, 160.2, 262]);
export const crossing = planes({
  clean: twoPixels,
  normals: [
    [1, 0.5, -2],
    [0.3, -1, 1],
  ],
  lacks: [900, 1200],
});
