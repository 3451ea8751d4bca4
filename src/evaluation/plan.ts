/** An attack on an image, with nothing left open. */

import type { Attack } from "../attacks/attack.ts";
import { makeAttack, objectiveOf, type AttackName, type Ball } from "../attacks/catalogue.ts";
import type { OptionValues } from "../attacks/options.ts";
import { objectiveNamed } from "../objectives/catalogue.ts";
import { fed } from "../objectives/combine.ts";
import type { Objective } from "../objectives/objective.ts";
import { tensor } from "../tensor.ts";
import type { Aim, Labels } from "../segmenter/segmenter.ts";
import { filledLabels } from "./labels.ts";

/** What to do to an image; `epsilon` and `alpha` in grey levels. A minimum-norm attack needs no `epsilon`. */
export interface AttackPlan extends OptionValues, Ball {
  readonly attack: AttackName;
  readonly alpha: number;
  readonly steps: number;
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  /** Labels to approach, in place of leaving the source labels or of the least-likely classes. */
  readonly target?: Labels | number | undefined;
  /** Labels to leave; the clean prediction by default, as in the paper. */
  readonly source?: Labels | undefined;
}

/** The attack as data. @throws RangeError for a number that is out of range. */
export const attackOf = ({ attack, target, pixelRange, ...options }: AttackPlan): Attack =>
  makeAttack(attack, { ...options, pixelRange: pixelRange === "clip" ? [0, 255] : null }, target !== undefined);

/** Steps of all trajectories of a plan's attack. */
export const stepsOf = (plan: AttackPlan): number =>
  attackOf(plan).trajectories.reduce((sum, { steps }) => sum + steps, 0);

/** The objective that a plan's attack climbs, by which its memory is predicted before there are labels. */
export const objectiveFor = ({ attack, target }: { readonly attack: AttackName; readonly target?: unknown }) =>
  objectiveNamed(objectiveOf(attack, target !== undefined), target !== undefined);

/** The objective with the labels that it leaves while it approaches others. */
const leaving = (objective: Objective, { shape, data }: Labels): Objective =>
  fed(objective, { source: tensor("int32", [1, ...shape], Int32Array.from(data)) });

/** The named objective against the plan's labels. @param clean the prediction on the image. */
export const aimOf = (name: string, { target, source }: AttackPlan, clean: Labels): Aim => {
  const targeted = target !== undefined;
  const objective = objectiveNamed(name, targeted);
  if (!objective.inputs["target"]) return { objective };
  const approached = typeof target === "number" ? filledLabels(clean, target) : target;
  const left = source ?? clean;
  return { objective: objective.inputs["source"] ? leaving(objective, left) : objective, labels: approached ?? left };
};
