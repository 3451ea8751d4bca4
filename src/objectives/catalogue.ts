/** Every objective by its name. */

import { crossEntropyObjective } from "./cross-entropy.ts";
import { leastLikelyObjective } from "./least-likely.ts";
import type { Objective } from "./objective.ts";

export interface ObjectiveEntry {
  readonly title: string;
  readonly summary: string;
  /** Whether it is taken against labels that are given: the prediction, the ground truth, or a target. */
  readonly labels: boolean;
  /** @param targeted whether the labels are approached, in place of being left. */
  readonly make: (targeted: boolean) => Objective;
}

export const objectives = {
  "cross-entropy": {
    title: "Cross-entropy",
    summary: "−Σ ln softmax(z)[y] over the pixels that are not void, away from the labels y or towards them.",
    labels: true,
    make: crossEntropyObjective,
  },
  "least-likely": {
    title: "Least-likely cross-entropy",
    summary: "Cross-entropy to each pixel's least likely class, chosen anew at each evaluation; it is descended.",
    labels: false,
    make: leastLikelyObjective,
  },
} as const satisfies Readonly<Record<string, ObjectiveEntry>>;

export type ObjectiveName = keyof typeof objectives;

/** The names of all objectives. */
export const objectiveNames = Object.keys(objectives) as readonly ObjectiveName[];

/** An objective by its name. @throws RangeError for a name that there is not. */
export const objectiveNamed = (name: string, targeted = false): Objective => {
  const entry = Object.hasOwn(objectives, name) ? objectives[name as ObjectiveName] : undefined;
  if (entry) return entry.make(targeted);
  throw new RangeError(`there is no objective "${name}"; there are ${objectiveNames.join(", ")}`);
};
