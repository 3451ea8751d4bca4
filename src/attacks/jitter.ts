/**
 * Repeats of an attack from starts that differ by less than anything can see. Attacks of many steps by signs are chaotic: rounding alone
 * moves their results, and the spread over such repeats says by how much.
 */

import { random } from "../random.ts";
import { tensor } from "../tensor.ts";
import type { Attack, Image, Trajectory } from "./attack.ts";
import { project, withinRange } from "./constraint.ts";

/** Largest change of a pixel's channel at the start, in grey levels. */
export const JITTER = 1e-3;

/** Negative seeds are no attack's own, so that the jitter does not repeat a random start's numbers. */
const seedOfRepeat = (seed: number, repeat: number): number => -1 - (seed + 2 ** 32 * repeat);

const moved = (image: Image, { constraint, seed }: Trajectory, repeat: number): Image => {
  const next = random(seedOfRepeat(seed, repeat));
  const data = Float32Array.from(image.data, (v) => v + JITTER * (2 * next() - 1));
  return tensor("float32", image.shape, project(data, image.data, withinRange(constraint), data));
};

/**
 * The attack with each of its trajectories started from an image that is moved by up to `JITTER` grey levels, uniformly; the ball stays
 * where it is.
 *
 * @param repeat from 1; each gives another jitter.
 */
export const jittered = ({ trajectories: [first, ...others] }: Attack, repeat: number): Attack => {
  const started = (trajectory: Trajectory): Trajectory => ({
    ...trajectory,
    rule: {
      ...trajectory.rule,
      begin: (clean, constraint, next) => trajectory.rule.begin(moved(clean, trajectory, repeat), constraint, next),
    },
  });
  return { trajectories: [started(first), ...others.map(started)] };
};
