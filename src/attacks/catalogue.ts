/**
 * Every attack by its name. The API's enum and prose, the command line's help, the lab's controls and the tables of the
 * documents derive from it.
 */

import type { Attack, Rule } from "./attack.ts";
import { requirePositive, type Constraint, type PixelRange } from "./constraint.ts";
import { adaptiveAttacks } from "./entries/adaptive.ts";
import { gradientFreeAttacks } from "./entries/gradient-free.ts";
import { minimalAttacks } from "./entries/minimal.ts";
import { minimumNormAttacks } from "./entries/minimum-norm.ts";
import { momentumAttacks } from "./entries/momentum.ts";
import { patchAttacks } from "./entries/patch.ts";
import { signAttacks } from "./entries/sign.ts";
import { weightedAttacks } from "./entries/weighted.ts";
import type { AttackEntry, AttackOptions } from "./entry.ts";
import { CORNER, type Norm } from "./norms.ts";
import { defaultOf, type OptionName, type OptionUse, type OptionValues } from "./options.ts";
import { patient } from "./patience.ts";

export const attacks = {
  ...signAttacks,
  ...momentumAttacks,
  ...weightedAttacks,
  ...adaptiveAttacks,
  ...gradientFreeAttacks,
  ...minimumNormAttacks,
  ...minimalAttacks,
  ...patchAttacks,
} as const satisfies Readonly<Record<string, AttackEntry>>;

/** The name of an attack. */
export type AttackName = keyof typeof attacks;

/** The names of all attacks. */
export const attackNames = Object.keys(attacks) as readonly AttackName[];

export const attackEntry = (name: AttackName): AttackEntry => attacks[name];

/** The options that an attack takes. */
export const optionsOf = (name: AttackName): readonly OptionName[] =>
  Object.keys(attackEntry(name).options) as OptionName[];

/** The norms that a request may choose from; the first is the default. */
export const normsOf = (name: AttackName): readonly [Norm, ...Norm[]] => {
  const { distance, norms = [] } = attackEntry(name);
  return [distance, ...norms.filter((norm) => norm !== distance)];
};

/** Of attacks with a budget, in grey levels, where their entries have none of their own. */
const USUAL_RADIUS = 8;

/** The radius of an attack with a budget where none is given; undefined for attacks of minimum norm, which need none. */
export const defaultRadius = (name: AttackName): number | undefined => {
  const { type, radius = USUAL_RADIUS } = attackEntry(name);
  return type === "fixed-budget" ? radius : undefined;
};

/** Radius and norm, as options depend on them: ε is absent where a minimum-norm attack has no bound. */
export interface Ball {
  readonly epsilon?: number | undefined;
  readonly norm?: Norm | undefined;
}

/** Why an attack with a budget needs a radius in L2: the usual ones are of L∞. Null where it does not, or has one. */
export const radiusNeeded = (name: AttackName, { epsilon, norm }: Ball): string | null =>
  epsilon === undefined && attackEntry(name).type === "fixed-budget" && (norm ?? attackEntry(name).distance) === "l2"
    ? `the usual radii are of L∞; ${CORNER}`
    : null;

/** The value of an option where none is given. */
const defaultIn = (use: OptionUse, name: AttackName, { epsilon = Infinity, norm }: Ball): number =>
  defaultOf(use, epsilon, norm ?? attackEntry(name).distance);

/** An option of an attack where none is given, in this ball; undefined for one that it does not take. */
export const defaultOption = (name: AttackName, option: OptionName, ball: Ball): number | undefined => {
  const use = attackEntry(name).options[option];
  return use && defaultIn(use, name, ball);
};

/** The steps that the attack's definition gives for a ball. */
export const defaultSteps = (name: AttackName, ball: Ball): number => defaultOption(name, "steps", ball) ?? 1;

/** The values given, with defaults for the options that the attack takes beside them. */
export const withDefaults = (name: AttackName, ball: Ball, given: OptionValues): OptionValues =>
  Object.fromEntries(optionsOf(name).map((option) => [option, given[option] ?? defaultOption(name, option, ball)]));

/** The name of the objective that an attack climbs, against labels that are left or targeted. */
export const objectiveOf = (name: AttackName, targeted: boolean): string => {
  const { objective, targetedObjective = objective } = attackEntry(name);
  return targeted ? targetedObjective : objective;
};

/** The options that an attack's definition fixes, in this ball. */
const fixedOptions = (name: AttackName, ball: Ball): OptionValues => {
  const uses = Object.entries(attackEntry(name).options) as [OptionName, OptionUse][];
  return Object.fromEntries(uses.flatMap(([option, use]) => (use.fixed ? [[option, defaultIn(use, name, ball)]] : [])));
};

/** The options that an attack runs with: those that its definition fixes, those given, and defaults for the rest. */
export const effectiveOptions = (name: AttackName, ball: Ball, given: OptionValues): OptionValues =>
  withDefaults(name, ball, { ...given, ...fixedOptions(name, ball) });

/** What an attack is made from: numbers left out get their defaults. */
export interface AttackSettings extends OptionValues, Ball {
  readonly pixelRange: PixelRange;
  readonly seed: number;
}

/** @throws RangeError for a radius that cannot be, and for none where the attack has a budget. */
const constraintOf = (name: AttackName, { epsilon, norm, pixelRange }: AttackSettings): Constraint => {
  if (epsilon !== undefined) requirePositive({ epsilon });
  else if (attackEntry(name).type === "fixed-budget") throw new RangeError(`${name} needs an epsilon`);
  const [own, ...others] = normsOf(name);
  if (norm && norm !== own && !others.includes(norm))
    throw new RangeError(`${name} has no form in the norm ${norm}; it takes ${[own, ...others].join(", ")}`);
  return { epsilon: epsilon ?? Infinity, pixelRange, norm: norm ?? own };
};

/** The trajectories of one run, before any restart. */
const trajectoriesOf = (
  entry: AttackEntry,
  objective: string,
  constraint: Constraint,
  options: AttackOptions,
): Attack["trajectories"] => {
  const { steps, seed, patience = 0 } = options;
  const rule: Rule = patient(entry.rule(options), patience);
  const own = { rule, objective, constraint, steps: steps + (rule.judged ?? 0), seed };
  return entry.trajectories?.(options, own) ?? [own];
};

/** The options of the k-th restart: another seed, and a random start. */
const restarted = (options: AttackOptions, k: number): AttackOptions =>
  k === 0 ? options : { ...options, seed: options.seed + k, start: options.start === 0 ? 1 : options.start };

/**
 * An attack by its name; `epsilon` and `alpha` are in grey levels.
 *
 * @param targeted whether given labels are approached.
 * @throws RangeError for a name that no attack has, and for a number that is out of range.
 */
export const makeAttack = (name: AttackName, settings: AttackSettings, targeted = false): Attack => {
  if (!attackNames.includes(name))
    throw new RangeError(`no attack is called ${name}; there are ${attackNames.join(", ")}`);
  const constraint = constraintOf(name, settings);
  const { alpha = 1, steps = 1, restarts = 1, ...others } = effectiveOptions(name, constraint, settings);
  requirePositive({ alpha, steps, restarts });
  for (const [option, value] of Object.entries({ steps, restarts }))
    if (!Number.isInteger(value)) throw new RangeError(`${option} must be an integer, is ${value}`);
  const options = { ...others, ...constraint, alpha, steps, seed: settings.seed };
  const entry = attackEntry(name);
  const objective = objectiveOf(name, targeted);
  const [first, ...further] = trajectoriesOf(entry, objective, constraint, options);
  const again = Array.from({ length: restarts - 1 }, (_, k) =>
    trajectoriesOf(entry, objective, constraint, restarted(options, k + 1)),
  );
  return { trajectories: [first, ...further, ...again.flat()] };
};

/** Evaluations of all trajectories of an attack: what it costs, before anything is run. @throws RangeError as `makeAttack`. */
export const evaluationsOf = (attack: Attack): number => attack.trajectories.reduce((sum, { steps }) => sum + steps, 0);
