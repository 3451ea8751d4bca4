/** The attacks of an evaluation, each at each of its radii; and the runs of each: with every seed, and as often as it is repeated. */

import { defaultRadius, makeAttack, withDefaults, type AttackName } from "../attacks/catalogue.ts";
import { classWeightsMisplaced, optionFaults } from "../attacks/option-faults.ts";
import { optionValues } from "../attacks/options.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { weightsFault } from "./class-weights.ts";
import type { AttackPlan } from "./plan.ts";
import { takesCommonRadii } from "./radii.ts";
import { RegionError, type RegionGoal } from "./region-goal.ts";
import {
  paperRadii,
  presets,
  SpecError,
  type AttackEntrySpec,
  type EvaluationSpec,
  type UniversalEntrySpec,
} from "./spec.ts";
import { goalOf, targetFaults } from "./targeted.ts";
import { deltaFault, radiusOf, type UniversalPlan } from "./universal.ts";

/** A plan without label maps, which are an item's: plain data. */
export interface MadeAttack extends Omit<AttackPlan, "source" | "target"> {
  readonly label: "prediction" | "ground-truth";
  /** The class to approach. */
  readonly target?: number | undefined;
}

/** A perturbation that is added, by the path of its file: plain data. */
export interface AddedDelta extends Omit<UniversalPlan, "delta"> {
  readonly delta: string;
}

export type AttackOf = MadeAttack | AddedDelta;

/** Whether a perturbation is added in place of an attack. */
export const addsDelta = (attack: AttackOf): attack is AddedDelta => attack.attack === "universal";

/** Whether given labels are approached. */
export const isTargeted = ({ target, goal }: Pick<MadeAttack, "target" | "goal">): boolean =>
  target !== undefined || goal !== undefined;

/** The plan for an item. @param target the labels to approach, where they are those of a region. */
export const planFor = ({ label, ...attack }: MadeAttack, truth: Labels | undefined, target?: Labels): AttackPlan => ({
  ...attack,
  source: label === "ground-truth" ? truth : undefined,
  ...(target && { target }),
});

/** The plan for an item, whatever is done to it. @param given the perturbations by their files; the labels of a region. */
export const planOf = (
  attack: AttackOf,
  truth: Labels,
  { deltas, target }: { readonly deltas?: ReadonlyMap<string, Image>; readonly target?: Labels | undefined } = {},
): AttackPlan | UniversalPlan =>
  addsDelta(attack) ? { ...attack, delta: deltas!.get(attack.delta)! } : planFor(attack, truth, target);

/** What attacks are made for. */
export interface Means {
  /** Of the networks. */
  readonly classes: readonly { readonly name: string }[];
  /** Perturbations by the paths of their files. */
  readonly deltas?: ReadonlyMap<string, Image> | undefined;
}

type Entry = AttackEntrySpec | UniversalEntrySpec;

const isAdded = (entry: Entry): entry is UniversalEntrySpec => entry.attack === "universal";

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

const entriesOf = ({ attacks }: EvaluationSpec): readonly Entry[] => {
  const given = typeof attacks === "string" ? presets[attacks].attacks : attacks;
  return given.map((entry) => (typeof entry === "string" ? { attack: entry } : entry));
};

/** The files of perturbations that a specification names. */
export const deltasOf = (spec: EvaluationSpec): readonly string[] => [
  ...new Set(entriesOf(spec).flatMap((entry) => (isAdded(entry) ? [entry.delta] : []))),
];

/** Why a service refuses an evaluation with `deltasOf`. */
export const deltasRefused =
  "universal adds a perturbation from a file, and a service has none: POST /v1/attack takes one with each picture, and the command line evaluates it on many";

/** @throws SpecError where 0, which stands for the clean picture, is the only radius: the attack would be left out. */
const requireRadius = (name: AttackName, radii: readonly (number | undefined)[]): typeof radii => {
  if (radii.some((epsilon) => epsilon !== 0)) return radii;
  throw new SpecError(
    `attacks: ${name}: epsilon must be greater than 0; the clean pictures are always scored, and alone with no attacks at all (none)`,
  );
};

/** The radii of one attack; an attack of minimum norm has none unless its own entry names one, and one with a radius of its own has that. */
const radiiOf = (entry: AttackEntrySpec, spec: EvaluationSpec): readonly (number | undefined)[] => {
  if (entry.epsilon !== undefined) return listOf(entry.epsilon);
  if (!takesCommonRadii(entry)) return [defaultRadius(entry.attack)];
  if (spec.epsilon !== undefined) return listOf(spec.epsilon);
  return typeof spec.attacks === "string" ? presets[spec.attacks].epsilon : paperRadii;
};

/** The attacks that do not take the radii that the evaluation gives, and have none of their own entry: of minimum norm, or with a radius of their own. */
export const withoutGivenRadii = (spec: EvaluationSpec): readonly AttackName[] =>
  spec.epsilon === undefined
    ? []
    : entriesOf(spec).flatMap((entry) =>
        isAdded(entry) || entry.epsilon !== undefined || takesCommonRadii(entry) ? [] : [entry.attack],
      );

const checked = (attack: MadeAttack): MadeAttack => {
  try {
    makeAttack(attack.attack, { ...attack, pixelRange: null }, isTargeted(attack));
    return attack;
  } catch (cause) {
    if (cause instanceof RangeError) throw new SpecError(`attacks: ${attack.attack}: ${cause.message}`, { cause });
    throw cause;
  }
};

/** What an attack approaches: a class, or a region. @throws SpecError for a target that it cannot have. */
const aimedBy = (
  { attack, target, targeted: own }: AttackEntrySpec,
  spec: EvaluationSpec,
  { classes }: Means,
): { readonly target?: number | undefined; readonly goal?: RegionGoal | undefined } => {
  const refused = (detail: string, cause?: unknown) =>
    new SpecError(`attacks: ${attack}: targeted ${detail}`, { cause });
  if (target !== undefined && own !== undefined) throw refused("and target exclude each other");
  const targeted = target === undefined ? (own ?? spec.targeted) : undefined;
  if (!targeted) return { target };
  const [fault] = targetFaults(attack, targeted);
  if (fault) throw refused(`${fault.field} ${fault.detail}`.trim());
  if (targeted.kind === "class") return { target: targeted.class };
  try {
    return { goal: goalOf(targeted, classes) };
  } catch (cause) {
    if (!(cause instanceof RegionError)) throw cause;
    throw refused(`${cause.field ?? ""}: ${cause.message}`, cause);
  }
};

/**
 * Beside attacks, the radii and the region of an evaluation are theirs; where perturbations are all, they could only be meant for these.
 *
 * @param own the radius that the perturbation's own entry gives it.
 * @throws SpecError for a perturbation that exceeds every radius, and for a region, which none approaches.
 */
const requireMeant = (spec: EvaluationSpec, delta: Image, own: number | undefined): void => {
  if (!entriesOf(spec).every(isAdded)) return;
  if (spec.targeted)
    throw new SpecError(
      "attacks: universal: targeted, --hide and --swap go with attacks, and this perturbation is made already",
    );
  if (spec.epsilon === undefined || own !== undefined) return;
  const fault = deltaFault(delta, delta.shape, Math.max(...listOf(spec.epsilon)));
  if (fault !== null) throw new SpecError(`attacks: universal: the perturbation ${fault}`);
};

const addedBy = ({ delta: path, epsilon }: UniversalEntrySpec, spec: EvaluationSpec, { deltas }: Means): AddedDelta => {
  const delta = deltas?.get(path);
  if (!delta) throw new SpecError(`attacks: universal: the perturbation ${path} has not been read`);
  requireMeant(spec, delta, epsilon);
  const ball = epsilon ?? radiusOf(delta);
  return { attack: "universal", delta: path, epsilon: ball, pixelRange: "clip", seed: spec.seed };
};

const madeBy = (entry: AttackEntrySpec, spec: EvaluationSpec, means: Means): MadeAttack[] => {
  const {
    attack,
    epsilon: _,
    norm,
    label = spec.label,
    pixelRange = "clip",
    target: __,
    targeted: ___,
    classWeights,
    ...given
  } = entry;
  const unweighable = classWeights && (classWeightsMisplaced(attack) ?? weightsFault(classWeights, means.classes));
  if (unweighable) throw new SpecError(`attacks: ${attack}: classWeights ${unweighable}`);
  const options = optionValues(given);
  const aimed = aimedBy(entry, spec, means);
  return requireRadius(attack, radiiOf(entry, spec)).flatMap((epsilon) => {
    if (epsilon === 0) return [];
    const [fault] = optionFaults(attack, { epsilon, norm }, options);
    if (fault) throw new SpecError(`attacks: ${attack}: ${fault.option} ${fault.detail}`);
    const { alpha = 1, steps = 1, ...others } = withDefaults(attack, { epsilon, norm }, options);
    const ball = { attack, epsilon, norm, alpha, steps };
    return [
      checked({ ...others, ...ball, pixelRange, label, classWeights, ...aimed, seed: spec.seed, repeat: undefined }),
    ];
  });
};

/**
 * Each attack at each radius, as it is run with the first seed.
 *
 * @throws SpecError for an option that the attack does not take, a number out of range, a class that there is not.
 */
export const attacksOf = (spec: EvaluationSpec, means: Means): readonly AttackOf[] =>
  entriesOf(spec).flatMap((entry): readonly AttackOf[] =>
    isAdded(entry) ? [addedBy(entry, spec, means)] : madeBy(entry, spec, means),
  );

/** How many attacks `attacksOf` gives at most, without making them: of each name in the specification. */
export const attackCounts = (
  spec: EvaluationSpec,
): readonly { readonly attack: Entry["attack"]; readonly count: number }[] =>
  entriesOf(spec).map((entry) => ({
    attack: entry.attack,
    count: isAdded(entry) ? 1 : new Set(radiiOf(entry, spec)).size,
  }));
