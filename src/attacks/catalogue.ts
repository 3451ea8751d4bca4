/**
 * Every attack by its name. The API's enum and prose, the command line's help, the lab's controls and the tables of the
 * documents derive from it.
 */

import type { Attack, Rule } from "./attack.ts";
import { requirePositive, type Constraint } from "./constraint.ts";
import { adaptiveAttacks } from "./entries/adaptive.ts";
import { gradientFreeAttacks } from "./entries/gradient-free.ts";
import { momentumAttacks } from "./entries/momentum.ts";
import { signAttacks } from "./entries/sign.ts";
import { weightedAttacks } from "./entries/weighted.ts";
import type { AttackEntry, AttackOptions } from "./entry.ts";
import { defaultOf, type OptionName, type OptionUse, type OptionValues } from "./options.ts";
import { patient } from "./patience.ts";

export const attacks = {
  ...signAttacks,
  ...momentumAttacks,
  ...weightedAttacks,
  ...adaptiveAttacks,
  ...gradientFreeAttacks,
} as const satisfies Readonly<Record<string, AttackEntry>>;

/** The name of an attack. */
export type AttackName = keyof typeof attacks;

/** The names of all attacks. */
export const attackNames = Object.keys(attacks) as readonly AttackName[];

export const attackEntry = (name: AttackName): AttackEntry => attacks[name];

/** The options that an attack takes. */
export const optionsOf = (name: AttackName): readonly OptionName[] =>
  Object.keys(attackEntry(name).options) as OptionName[];

/** An option of an attack where none is given, at this ε; undefined for one that it does not take. */
export const defaultOption = (name: AttackName, option: OptionName, epsilon: number): number | undefined => {
  const use = attackEntry(name).options[option];
  return use && defaultOf(use, epsilon);
};

/** The steps that the attack's definition gives for a radius. */
export const defaultSteps = (name: AttackName, epsilon: number): number => defaultOption(name, "steps", epsilon) ?? 1;

/** The values given, with defaults for the options that the attack takes beside them. */
export const withDefaults = (name: AttackName, epsilon: number, given: OptionValues): OptionValues =>
  Object.fromEntries(optionsOf(name).map((option) => [option, given[option] ?? defaultOption(name, option, epsilon)]));

/** The name of the objective that an attack climbs, against labels that are left or targeted. */
export const objectiveOf = (name: AttackName, targeted: boolean): string => {
  const { objective, targetedObjective = objective } = attackEntry(name);
  return targeted ? targetedObjective : objective;
};

/** The options that an attack's definition fixes, at this ε. */
const fixedOptions = (name: AttackName, epsilon: number): OptionValues => {
  const uses = Object.entries(attackEntry(name).options) as [OptionName, OptionUse][];
  return Object.fromEntries(uses.flatMap(([option, use]) => (use.fixed ? [[option, defaultOf(use, epsilon)]] : [])));
};

/** The options that an attack runs with: those that its definition fixes, those given, and defaults for the rest. */
export const effectiveOptions = (name: AttackName, epsilon: number, given: OptionValues): OptionValues =>
  withDefaults(name, epsilon, { ...given, ...fixedOptions(name, epsilon) });

/** What an attack is made from: numbers left out get their defaults. */
export interface AttackSettings extends OptionValues, Constraint {
  readonly seed: number;
}

/** The trajectories of one run, before any restart. */
const trajectoriesOf = (entry: AttackEntry, objective: string, options: AttackOptions): Attack["trajectories"] => {
  const { epsilon, pixelRange, steps, seed, patience = 0 } = options;
  const rule: Rule = patient(entry.rule(options), patience);
  const own = { rule, objective, constraint: { epsilon, pixelRange }, steps: steps + (rule.judged ?? 0), seed };
  return entry.trajectories?.(options, own) ?? [own];
};

/** The options of the k-th restart: another seed, and a random start. */
const restarted = (options: AttackOptions, k: number): AttackOptions =>
  k === 0 ? options : { ...options, seed: options.seed + k, start: options.start === 0 ? 1 : options.start };

/**
 * An attack by its name; `epsilon` and `alpha` are in grey levels.
 *
 * @param targeted whether given labels are approached.
 * @throws RangeError for a number that is out of range.
 */
export const makeAttack = (name: AttackName, settings: AttackSettings, targeted = false): Attack => {
  const { epsilon, pixelRange, seed } = settings;
  requirePositive({ epsilon });
  const { alpha = 1, steps = 1, restarts = 1, ...others } = effectiveOptions(name, epsilon, settings);
  requirePositive({ alpha, steps, restarts });
  for (const [option, value] of Object.entries({ steps, restarts }))
    if (!Number.isInteger(value)) throw new RangeError(`${option} must be an integer, is ${value}`);
  const options = { ...others, epsilon, pixelRange, alpha, steps, seed };
  const entry = attackEntry(name);
  const objective = objectiveOf(name, targeted);
  const [first, ...further] = trajectoriesOf(entry, objective, options);
  const again = Array.from({ length: restarts - 1 }, (_, k) =>
    trajectoriesOf(entry, objective, restarted(options, k + 1)),
  );
  return { trajectories: [first, ...further, ...again.flat()] };
};

/** Evaluations of all trajectories of an attack: what it costs, before anything is run. @throws RangeError as `makeAttack`. */
export const evaluationsOf = (attack: Attack): number => attack.trajectories.reduce((sum, { steps }) => sum + steps, 0);
