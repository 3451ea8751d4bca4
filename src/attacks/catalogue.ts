/**
 * Every attack by its name: what it is, what it takes, how it is made. The API's enum and prose, the command line's help,
 * the lab's controls and the table of the README derive from these rows.
 */

import type { Attack, Rule } from "./attack.ts";
import type { Constraint } from "./constraint.ts";
import { requirePositive } from "./constraint.ts";
import { defaultOf, type OptionName, type OptionUse, type OptionUses, type OptionValues } from "./options.ts";
import { paperSteps } from "./paper-steps.ts";
import { momentumRule } from "./rules/momentum.ts";
import { signRule } from "./rules/sign.ts";

/** An attack's options with nothing left open; those that the attack does not take are absent. */
export interface AttackOptions extends Constraint {
  readonly alpha: number;
  readonly steps: number;
  readonly momentum?: number | undefined;
  readonly seed: number;
}

export interface Paper {
  readonly title: string;
  readonly authors: string;
  readonly year: number;
  /** arXiv's identifier, as in "1711.09856". */
  readonly arxiv: string;
}

export interface AttackEntry {
  readonly title: string;
  /** One sentence for the table, the API's prose and the lab. */
  readonly summary: string;
  /** The step as a formula. */
  readonly formula: string;
  /** What the attacker knows of the network. */
  readonly knowledge: "white-box" | "transfer" | "gradient-free";
  /** Whether it looks for the worst image in a ball, or for the smallest ball that is enough. */
  readonly type: "fixed-budget" | "minimum-norm";
  readonly distance: "linf" | "l2";
  readonly paper: Paper;
  /** Technique of MITRE ATLAS (v5.6.0). */
  readonly atlas: string;
  /** Name of the objective that is climbed, where the request targets no labels of its own. */
  readonly objective: "cross-entropy" | "least-likely";
  /** Whether the seed makes a difference. */
  readonly random: boolean;
  readonly options: OptionUses;
  readonly rule: (options: AttackOptions) => Rule;
}

const fgsmPaper: Paper = {
  title: "Explaining and Harnessing Adversarial Examples",
  authors: "Goodfellow, Shlens, Szegedy",
  year: 2015,
  arxiv: "1412.6572",
};

const iterativePaper: Paper = {
  title: "Adversarial Examples in the Physical World",
  authors: "Kurakin, Goodfellow, Bengio",
  year: 2017,
  arxiv: "1607.02533",
};

const scalePaper: Paper = {
  title: "Adversarial Machine Learning at Scale",
  authors: "Kurakin, Goodfellow, Bengio",
  year: 2017,
  arxiv: "1611.01236",
};

/** A white-box attack of fixed budget in the L∞ ball. */
const whiteBox = {
  knowledge: "white-box",
  type: "fixed-budget",
  distance: "linf",
  atlas: "AML.T0043.000",
} as const satisfies Partial<AttackEntry>;

/** One step of ε: a caller may state both numbers, and may not change them. */
const singleStep = (name: string): OptionUses => ({
  alpha: { default: (epsilon) => epsilon, fixed: `must be absent: the one step of ${name} is epsilon itself` },
  steps: { default: 1, fixed: `must be 1: ${name} takes one step` },
});

const iterative = { alpha: { default: 1 }, steps: { default: paperSteps } } as const satisfies OptionUses;

export const attacks = {
  fgsm: {
    ...whiteBox,
    title: "FGSM",
    summary: "One step of size ε away from each pixel's own label.",
    formula: "x + ε·sign ∇L(x, y)",
    paper: fgsmPaper,
    objective: "cross-entropy",
    random: false,
    options: singleStep("fgsm"),
    rule: signRule,
  },
  "fgsm-ii": {
    ...whiteBox,
    title: "FGSM II",
    summary: "One step of size ε towards each pixel's least likely class.",
    formula: "x − ε·sign ∇L(x, y_ll)",
    paper: scalePaper,
    objective: "least-likely",
    random: false,
    options: singleStep("fgsm-ii"),
    rule: signRule,
  },
  ifgsm: {
    ...whiteBox,
    title: "Iterative FGSM",
    summary: "Many small steps away from each pixel's own label.",
    formula: "clip(x + α·sign ∇L(x, y), x₀ ± ε)",
    paper: iterativePaper,
    objective: "cross-entropy",
    random: false,
    options: iterative,
    rule: signRule,
  },
  "ifgsm-ii": {
    ...whiteBox,
    title: "Iterative FGSM II",
    summary: "Many small steps towards each pixel's least likely class; the strongest of the paper.",
    formula: "clip(x − α·sign ∇L(x, y_ll), x₀ ± ε), y_ll anew at each step",
    paper: iterativePaper,
    objective: "least-likely",
    random: false,
    options: iterative,
    rule: signRule,
  },
  pgd: {
    ...whiteBox,
    title: "PGD",
    summary: "Iterative FGSM from a random start within ε.",
    formula: "as Iterative FGSM, from x₀ + U(−ε, ε)",
    paper: {
      title: "Towards Deep Learning Models Resistant to Adversarial Attacks",
      authors: "Madry, Makelov, Schmidt, Tsipras, Vladu",
      year: 2018,
      arxiv: "1706.06083",
    },
    objective: "cross-entropy",
    random: true,
    options: iterative,
    rule: ({ alpha }) => signRule({ alpha, randomStart: true }),
  },
  "mi-fgsm": {
    ...whiteBox,
    title: "MI-FGSM",
    summary: "Iterative FGSM along an accumulated gradient, which transfers better to other networks.",
    formula: "g ← μ·g + ∇L/‖∇L‖₁; clip(x + α·sign g, x₀ ± ε)",
    paper: {
      title: "Boosting Adversarial Attacks with Momentum",
      authors: "Dong, Liao, Pang, Su, Zhu, Hu, Li",
      year: 2018,
      arxiv: "1710.06081",
    },
    objective: "cross-entropy",
    random: false,
    options: { ...iterative, momentum: { default: 1 } },
    rule: ({ alpha, momentum = 1 }) => momentumRule({ alpha, momentum }),
  },
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

/**
 * The name of the objective that an attack climbs: its own, or, where labels are targeted, cross-entropy to those labels.
 */
export const objectiveOf = (name: AttackName, targeted: boolean): AttackEntry["objective"] =>
  targeted ? "cross-entropy" : attackEntry(name).objective;

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

/**
 * An attack by its name; `epsilon` and `alpha` are in grey levels.
 *
 * @param targeted whether given labels are approached.
 * @throws RangeError for a number that is out of range.
 */
export const makeAttack = (name: AttackName, settings: AttackSettings, targeted = false): Attack => {
  const { epsilon, pixelRange, seed } = settings;
  requirePositive({ epsilon });
  const { alpha = 1, steps = 1, ...others } = effectiveOptions(name, epsilon, settings);
  requirePositive({ alpha, steps });
  if (!Number.isInteger(steps)) throw new RangeError(`steps must be an integer, is ${steps}`);
  const rule = attackEntry(name).rule({ ...others, epsilon, pixelRange, alpha, steps, seed });
  const objective = objectiveOf(name, targeted);
  return { trajectories: [{ rule, objective, constraint: { epsilon, pixelRange }, steps, seed }] };
};
