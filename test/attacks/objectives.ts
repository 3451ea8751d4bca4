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
