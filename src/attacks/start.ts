/** Where a trajectory starts. */

import type { Random } from "../random.ts";
import { project, type Constraint } from "./constraint.ts";

/** A uniformly random point of the ball, within the pixel range. */
export const uniformStart = (
  clean: Float32Array,
  constraint: Constraint,
  random: Random,
): Float32Array<ArrayBuffer> => {
  const moved = Float32Array.from(clean, (v) => v + constraint.epsilon * (2 * random() - 1));
  return project(moved, clean, constraint, moved);
};

/**
 * The image itself, or a uniformly random point of a part of its ball.
 *
 * @param share radius of that part, of ε: 0 is the image itself, 1 the whole ball.
 */
export const startWithin = (
  share: number,
  clean: Float32Array,
  constraint: Constraint,
  random: Random,
): Float32Array<ArrayBuffer> =>
  share === 0
    ? (clean as Float32Array<ArrayBuffer>)
    : uniformStart(clean, { ...constraint, epsilon: share * constraint.epsilon }, random);
