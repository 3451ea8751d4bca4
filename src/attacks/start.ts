/** Where a trajectory starts. */

import { normals, type Random } from "../random.ts";
import { project, within, type Constraint } from "./constraint.ts";
import { l2 } from "./norms.ts";
import { plus } from "./vectors.ts";

/** A uniformly random point of the ball, within the pixel range. */
export const uniformStart = (
  clean: Float32Array,
  constraint: Constraint,
  random: Random,
): Float32Array<ArrayBuffer> => {
  if (constraint.norm === "l2") return uniformStartL2(clean, constraint, random);
  const moved = new Float32Array(clean.length);
  for (let i = 0; i < moved.length; i++) moved[i] = clean[i]! + constraint.epsilon * (2 * random() - 1);
  return project(moved, clean, constraint, moved);
};

/** A normal vector has a uniformly random direction; its length to the power n of a uniform number fills the ball evenly. */
const uniformStartL2 = (clean: Float32Array, constraint: Constraint, random: Random): Float32Array<ArrayBuffer> => {
  const direction = normals(random, clean.length);
  const length = constraint.epsilon * random() ** (1 / clean.length);
  const scale = length / (l2(direction) || 1);
  const moved = plus(clean, scale, direction, direction);
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
  share === 0 ? (clean as Float32Array<ArrayBuffer>) : uniformStart(clean, within(constraint, share), random);
