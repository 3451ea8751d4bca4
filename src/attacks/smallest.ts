/** The smallest perturbation that succeeds: what attacks of minimum norm return. */

import type { Evaluation } from "./attack.ts";
import { distanceOf, type Norm } from "./norms.ts";

/** The best image so far. Before one succeeds, it is the one that leaves the fewest pixels, of equals the latest. */
export type Smallest = {
  readonly x: Float32Array;
  /** Norm of its perturbation in grey levels. */
  readonly size: number;
  readonly remaining: number;
  readonly found: boolean;
};

/** What an attack has to reach, and by which norm it is measured. */
export interface Goal {
  readonly norm: Norm;
  /** Share of the pixels that have to be moved, above 0 and at most 1. */
  readonly success: number;
}

/** Before the first evaluation. */
export const nothingYet = (clean: Float32Array): Smallest => ({
  x: clean,
  size: Infinity,
  remaining: 1,
  found: false,
});

/** Whether an evaluated image moves enough pixels; where that is not known, it does not. */
export const succeeds = ({ remaining = 1 }: Evaluation, { success }: Pick<Goal, "success">): boolean =>
  remaining <= 1 - success + 1e-9; // 1 − 0.99 is above 0.01

/** The better of what was found before and the image that was evaluated. */
export const smallerOf = (
  before: Smallest,
  seen: Evaluation,
  x: Float32Array,
  clean: Float32Array,
  goal: Goal,
): Smallest => {
  const { remaining = 1 } = seen;
  const found = succeeds(seen, goal);
  const size = distanceOf(x, clean, goal.norm);
  const better = found ? size <= before.size || !before.found : !before.found && remaining <= before.remaining;
  return better ? { x, size, remaining, found } : before;
};

/** @throws RangeError for a share that is not above 0 and at most 1. */
export const requireSuccess = (success: number): void => {
  if (!(success > 0 && success <= 1)) throw new RangeError(`success must be above 0 and at most 1, is ${success}`);
};
