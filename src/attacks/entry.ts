/** A row of the catalogue: what an attack is, what it takes, how it is made. */

import type { Attack, Rule, Trajectory } from "./attack.ts";
import type { Constraint } from "./constraint.ts";
import type { Norm } from "./norms.ts";
import type { OptionUses, OptionValues } from "./options.ts";
import { paperSteps } from "./paper-steps.ts";

/** An attack's options with nothing left open; those that the attack does not take are absent. */
export interface AttackOptions extends OptionValues, Constraint {
  readonly alpha: number;
  readonly steps: number;
  readonly seed: number;
}

export interface Paper {
  readonly title: string;
  readonly authors: string;
  readonly year: number;
  /** arXiv's identifier, as in "1711.09856". */
  readonly arxiv: string;
}

/** A square of an image, in pixels. */
export interface Square {
  readonly top: number;
  readonly left: number;
  readonly side: number;
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
  readonly distance: Norm;
  /** The norms that a request may choose from, where there are others than `distance`, which is the default. */
  readonly norms?: readonly Norm[];
  readonly paper: Paper;
  /** Radius of a budget where none is given, in grey levels; 8 where it is absent. */
  readonly radius?: number;
  /** Technique of MITRE ATLAS (v5.6.0). */
  readonly atlas: string;
  /** Name of the objective that is climbed. */
  readonly objective: string;
  /** Name of the objective where the request targets labels of its own; by default the same. */
  readonly targetedObjective?: string;
  /** Transformations before the network at each step of the attack alone, drawn from the seed, by their names and options. */
  readonly diversity?: readonly {
    readonly name: string;
    readonly options: Readonly<Record<string, number | readonly [number, number]>>;
  }[];
  /** Whether the seed makes a difference. */
  readonly random: boolean;
  readonly options: OptionUses;
  /** Of attacks whose content takes the place of a part of an image [P,H,W]: that part. */
  readonly covers?: (options: OptionValues, shape: readonly number[]) => Square;
  readonly rule: (options: AttackOptions) => Rule;
  /** Where an attack follows its rule more than once, or more than one rule: all trajectories, given the one of `rule`. */
  readonly trajectories?: (options: AttackOptions, own: Trajectory) => Attack["trajectories"];
}

/** A white-box attack of fixed budget in the L∞ ball. */
export const whiteBox = {
  knowledge: "white-box",
  type: "fixed-budget",
  distance: "linf",
  atlas: "AML.T0043.000",
} as const satisfies Partial<AttackEntry>;

/** A white-box attack that looks for the smallest perturbation that moves enough pixels. */
export const minimumNorm = { ...whiteBox, type: "minimum-norm" } as const satisfies Partial<AttackEntry>;

/** An attack of fixed budget in the L∞ ball by queries alone. */
export const gradientFree = {
  ...whiteBox,
  knowledge: "gradient-free",
  atlas: "AML.T0043.001",
} as const satisfies Partial<AttackEntry>;

/** Options of a single step of ε: a caller may state both numbers, and may not change them. */
export const singleStep = (name: string): OptionUses => ({
  alpha: { default: (epsilon) => epsilon, fixed: `must be absent: the one step of ${name} is epsilon itself` },
  steps: { default: 1, fixed: `must be 1: ${name} takes one step` },
});

/** Options of an attack in steps of α: the number of steps is the paper's. */
export const iterative = { alpha: { default: 1 }, steps: { default: paperSteps } } as const satisfies OptionUses;

/** Steps in an L2 ball, whose radii the paper's numbers are not made for: 20 steps of 2.5 ε/20 can cross the ball and come back. */
const l2Steps = 20;

/** The same options where the ball may be of L2. */
export const iterativeInAnyNorm = {
  alpha: { default: (epsilon, norm) => (norm === "l2" ? (2.5 * epsilon) / l2Steps : 1) },
  steps: { default: (epsilon, norm) => (norm === "l2" ? l2Steps : paperSteps(epsilon)) },
} as const satisfies OptionUses;

/** Options of an attack that starts at a random point of the ball. */
export const randomStart = { start: { default: 1 }, restarts: { default: 1 } } as const satisfies OptionUses;
