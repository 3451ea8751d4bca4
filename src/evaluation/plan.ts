/** An attack on an image, with nothing left open. */

import type { Attack } from "../attacks/attack.ts";
import { evaluationsOf, makeAttack, type AttackName, type Ball } from "../attacks/catalogue.ts";
import { jittered } from "../attacks/jitter.ts";
import type { OptionValues } from "../attacks/options.ts";
import { objectiveNamed } from "../objectives/catalogue.ts";
import { fed } from "../objectives/combine.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Aim, Evaluated, Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import { objectiveWith, type ClassWeights } from "./class-weights.ts";
import { filledLabels } from "./labels.ts";
import { classWeights as weightsOf } from "./region.ts";
import type { RegionGoal } from "./region-goal.ts";

/** What to do to an image; `epsilon` and `alpha` in grey levels. Options that are left out have the attack's defaults. A minimum-norm attack needs no `epsilon`. */
export interface AttackPlan extends OptionValues, Ball {
  readonly attack: AttackName;
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  /** Labels to approach, in place of leaving the source labels or of the least-likely classes. */
  readonly target?: Labels | number | undefined;
  /** The region that `target` was made of, where it was: it names the attack in place of the map. */
  readonly goal?: RegionGoal | undefined;
  /** Labels to leave; the clean prediction by default, as in the paper. */
  readonly source?: Labels | undefined;
  /** Of a class-balanced loss, in place of 1/N of each class in the labels at hand. */
  readonly classWeights?: ClassWeights | undefined;
  /** From 1: starts from a point that is moved by up to 1e-3 grey levels; absent is the attack itself. */
  readonly repeat?: number | undefined;
}

/** The attack as data. @throws RangeError for a number that is out of range. */
export const attackOf = ({ attack, target, pixelRange, repeat, ...options }: AttackPlan): Attack => {
  const settings = { ...options, pixelRange: pixelRange === "clip" ? ([0, 255] as const) : null };
  const made = makeAttack(attack, settings, target !== undefined);
  return repeat === undefined ? made : jittered(made, repeat);
};

/** Steps of all trajectories of a plan's attack. */
export const stepsOf = (plan: AttackPlan): number => evaluationsOf(attackOf(plan));

/**
 * What these attacks evaluate beside predictions, each once: by it their memory is predicted before there are labels, and by it
 * a network without a gradient is refused or not.
 */
export const evaluatedBy = (
  names: readonly AttackName[],
  targeted = false,
  classWeights?: ClassWeights,
): readonly Evaluated[] => {
  const trajectories = names.flatMap(
    (name) => makeAttack(name, { epsilon: 1, pixelRange: null, seed: 0 }, targeted).trajectories,
  );
  const found = trajectories.flatMap(({ rule: { needs }, objective }): (readonly [string, Evaluated])[] => {
    const named = objectiveNamed(objectiveWith(objective, classWeights), targeted);
    if (needs === "labels") return [];
    return [[`${needs} of ${named.key}`, needs === "value" ? { scored: named } : named]];
  });
  return [...new Map(found).values()];
};

/** The objective with the labels that it leaves while it approaches others. */
const leaving = (objective: Objective, { shape, data }: Labels): Objective =>
  fed(objective, { source: tensor("int32", [1, ...shape], Int32Array.from(data)) });

/** The labels that the plan approaches, or else leaves. @param clean the prediction, which is left where no other labels are given. */
export const labelsOf = <L extends Labels | undefined>(
  { target, source }: Pick<AttackPlan, "target" | "source">,
  clean: L,
): Labels | L => {
  if (typeof target === "number") return clean && filledLabels(clean, target);
  return target ?? source ?? clean;
};

/** The named objective against the plan's labels. @param clean the prediction on the image. */
export const aimOf = (
  name: string,
  plan: Pick<AttackPlan, "target" | "source" | "classWeights">,
  clean: Labels,
): Aim => {
  const { target, source, classWeights } = plan;
  const targeted = target !== undefined;
  const weighing = objectiveWith(name, classWeights);
  const objective = objectiveNamed(weighing, targeted);
  if (!objective.inputs["target"]) return { objective };
  const labels = labelsOf(plan, clean);
  if (classWeights && weighing !== name)
    return { objective: fed(objective, { weights: weightsOf(labels, classWeights) }), labels };
  return { objective: objective.inputs["source"] ? leaving(objective, source ?? clean) : objective, labels };
};
