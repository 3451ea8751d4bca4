/** The steps of a trajectory divided into runs of one length, after each of which something is chosen anew. */

import type { Clock } from "./attack.ts";

export interface Phase {
  /** Counts from 1 within the run. */
  readonly step: number;
  /** Evaluations of this run: the last one takes what the division leaves. */
  readonly steps: number;
  readonly isLast: boolean;
}

/**
 * @param runs into how many; fewer where there are not `shortest` steps for each.
 */
export const phaseOf = ({ step, steps }: Clock, runs: number, shortest = 1): Phase => {
  const count = Math.max(Math.min(runs, Math.floor(steps / shortest)), 1);
  const length = Math.floor(steps / count);
  const index = Math.min(Math.floor((step - 1) / length), count - 1);
  const own = index === count - 1 ? steps - length * index : length;
  return { step: step - length * index, steps: own, isLast: step - length * index === own };
};
