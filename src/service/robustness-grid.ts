/** The attacks of a robustness request: every attack at every radius, with nothing left open. */

import { withDefaults } from "../attacks/catalogue.ts";
import { gridAttack, type GridAttack, type RobustnessSpec } from "../contract/robustness.ts";
import { stepsOf, type AttackPlan } from "../evaluation/plan.ts";
import { sum } from "../metrics/counts.ts";
import type { Labels } from "../segmenter/segmenter.ts";

/** An attack at a radius. */
export interface GridPlan extends AttackPlan {
  readonly epsilon: number;
  readonly steps: number;
}

/** An attack of the grid at one radius: its own options, then the grid's step size, then its defaults. */
const planOf = (spec: RobustnessSpec, entry: GridAttack, epsilon: number, source: Labels | undefined): GridPlan => {
  const { norm, pixelRange, seed } = spec;
  const { attack, ...own } = gridAttack(entry);
  const { alpha = 1, steps = 1, ...options } = withDefaults(attack, { epsilon, norm }, { alpha: spec.alpha, ...own });
  return { ...options, attack, epsilon, norm, alpha, steps, pixelRange, seed, source };
};

/**
 * The points of the curve, in their order.
 *
 * @param truth the labels that attacks leave where the request says so; absent where plans are only counted.
 */
export const gridOf = (spec: RobustnessSpec, truth?: Labels): readonly GridPlan[] => {
  const source = spec.label === "ground-truth" ? truth : undefined;
  return spec.attacks.flatMap((attack) => spec.epsilons.map((epsilon) => planOf(spec, attack, epsilon, source)));
};

/** Evaluations of the whole grid on one image. */
export const stepsOfGrid = (spec: RobustnessSpec): number => (spec.draws ?? 1) * sum(gridOf(spec).map(stepsOf));
