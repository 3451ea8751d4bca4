/** What attacks take at most, before any is run. */

import { makeAttack } from "../attacks/catalogue.ts";
import { createFronts } from "../segmenter/front.ts";
import { addsDelta, isTargeted, type AttackOf } from "./attacks-of.ts";
import type { Evaluations } from "./craft.ts";
import type { Defence } from "../segmenter/defence.ts";

/** Draws over which each gradient is averaged behind these transformations. */
export const drawsOf = (defence: Defence | null): number => (defence ? createFronts(defence).draws : 1);

/** Steps of an attack by what they evaluate, and images that it chooses among. */
export interface Effort {
  readonly gradients: number;
  readonly values: number;
  readonly predictions: number;
}

export const effortOf = (attack: AttackOf): Effort => {
  if (addsDelta(attack)) return { gradients: 0, values: 0, predictions: 0 };
  const { trajectories } = makeAttack(attack.attack, { ...attack, pixelRange: null }, isTargeted(attack));
  const steps = (kind: string): number =>
    trajectories.reduce((sum, { rule, steps: own }) => sum + (rule.needs === kind ? own : 0), 0);
  const judged = trajectories.length > 1 ? trajectories.length : 0;
  return { gradients: steps("gradient"), values: steps("value"), predictions: steps("labels") + judged };
};

/**
 * Evaluations of a network by an attack and the scoring of its image, at most: an attack may end early, and a whole-numbered image is
 * predicted once for both forms.
 *
 * @param effort null for a clean image.
 * @param draws those of the source.
 */
export const costOf = (effort: Effort | null, draws: number, targets: number): Evaluations => {
  if (!effort) return { forward: 1, backward: 0 };
  const { gradients, values, predictions } = effort;
  return { forward: draws * (gradients + values) + predictions + 2 * targets, backward: draws * gradients };
};
