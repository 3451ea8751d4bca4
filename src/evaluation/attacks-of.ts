/** The attacks of an evaluation, each with its radius, with every seed, and as often as it is repeated. */

import { attackEntry, makeAttack, withDefaults, type AttackName } from "../attacks/catalogue.ts";
import { optionFaults } from "../attacks/option-faults.ts";
import { optionValues } from "../attacks/options.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import type { AttackPlan } from "./plan.ts";
import { paperRadii, presets, SpecError, type AttackEntrySpec, type EvaluationSpec } from "./spec.ts";

/** A plan without label maps, which are an item's: plain data. */
export interface AttackOf extends Omit<AttackPlan, "source" | "target"> {
  readonly label: "prediction" | "ground-truth";
  /** The class to approach. */
  readonly target?: number | undefined;
}

/** The plan for an item. */
export const planFor = ({ label, ...attack }: AttackOf, truth: Labels): AttackPlan => ({
  ...attack,
  source: label === "ground-truth" ? truth : undefined,
});

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

const entriesOf = ({ attacks }: EvaluationSpec): readonly AttackEntrySpec[] => {
  const given = typeof attacks === "string" ? presets[attacks].attacks : attacks;
  return given.map((entry) => (typeof entry === "string" ? { attack: entry } : entry));
};

/** @throws SpecError where 0, which stands for the clean picture, is the only radius: the attack would be left out. */
const requireRadius = (name: AttackName, radii: readonly (number | undefined)[]): typeof radii => {
  if (radii.some((epsilon) => epsilon !== 0)) return radii;
  throw new SpecError(
    `attacks: ${name}: epsilon must be greater than 0; the clean pictures are always scored, and alone with no attacks at all (none)`,
  );
};

/** The radii of one attack; an attack of minimum norm has none unless its own entry names one. */
const radiiOf = (
  name: AttackName,
  own: AttackEntrySpec["epsilon"],
  spec: EvaluationSpec,
): readonly (number | undefined)[] => {
  if (own !== undefined) return listOf(own);
  if (attackEntry(name).type === "minimum-norm") return [undefined];
  if (spec.epsilon !== undefined) return listOf(spec.epsilon);
  return typeof spec.attacks === "string" ? presets[spec.attacks].epsilon : paperRadii;
};

const checked = (attack: AttackOf): AttackOf => {
  try {
    makeAttack(attack.attack, { ...attack, pixelRange: null }, attack.target !== undefined);
    return attack;
  } catch (cause) {
    if (cause instanceof RangeError) throw new SpecError(`attacks: ${attack.attack}: ${cause.message}`, { cause });
    throw cause;
  }
};

/** @throws SpecError for an option that the attack does not take, or a number out of range. */
export const attacksOf = (spec: EvaluationSpec): readonly AttackOf[] =>
  entriesOf(spec).flatMap(
    ({ attack, epsilon: own, norm, label = spec.label, pixelRange = "clip", target, ...given }) => {
      const options = optionValues(given);
      return requireRadius(attack, radiiOf(attack, own, spec)).flatMap((epsilon) => {
        if (epsilon === 0) return [];
        const [fault] = optionFaults(attack, { epsilon, norm }, options);
        if (fault) throw new SpecError(`attacks: ${attack}: ${fault.option} ${fault.detail}`);
        const { alpha = 1, steps = 1, ...others } = withDefaults(attack, { epsilon, norm }, options);
        const once = { ...others, attack, epsilon, norm, alpha, steps, pixelRange, label, target };
        const seeds = Array.from({ length: spec.seeds }, (_, k) => ({ seed: spec.seed + k, repeat: undefined }));
        const repeats = Array.from({ length: spec.repeats }, (_, k) => ({ seed: spec.seed, repeat: k + 1 }));
        return [...seeds, ...repeats].map((run) => checked({ ...once, ...run }));
      });
    },
  );

/** How many attacks `attacksOf` gives at most, without making them. */
export const mostAttacks = (spec: EvaluationSpec): number =>
  entriesOf(spec).reduce((sum, { attack, epsilon }) => sum + radiiOf(attack, epsilon, spec).length, 0) *
  (spec.seeds + spec.repeats);
