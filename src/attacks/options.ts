/** The options that attacks take: their meaning, units and ranges, for everything that shows or checks them. */

import { largestRadius, type Norm } from "./norms.ts";

/** A number that an attack can be given. */
export interface OptionDefinition {
  readonly title: string;
  readonly description: string;
  readonly unit?: string;
  readonly minimum: number;
  /** Whether the minimum itself is allowed; default true. */
  readonly exclusive?: boolean;
  readonly maximum: number;
  readonly integer?: boolean;
}

export const optionDefinitions = {
  alpha: {
    title: "Step size α",
    description:
      "Step size of the iterative attacks, in grey levels; the attack's own if absent: 1 for those of the paper, 2.55 for those made for segmentation. A single step is ε itself. At most 255 in L∞; in L2 it is a norm over all values, as ε is",
    unit: "grey levels",
    minimum: 0,
    exclusive: true,
    maximum: largestRadius("l2"),
  },
  steps: {
    title: "Steps",
    description:
      "Steps of the iterative attacks, and queries of the gradient-free ones; the attack's own number if absent: max(⌈min(ε + 4, 1.25 ε)⌉, 1) for those of the paper",
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    integer: true,
  },
  success: {
    title: "Success",
    description:
      "Share of the pixels that a minimum-norm attack has to move: away from their label, or to the target's; 0.99 if absent",
    minimum: 0,
    exclusive: true,
    maximum: 1,
  },
  bisections: {
    title: "Bisections",
    description:
      "Into how many runs the steps are divided, each with a radius or a weight that follows from the runs before",
    minimum: 1,
    maximum: 100,
    integer: true,
  },
  momentum: {
    title: "Momentum μ",
    description: "Decay factor of the accumulated gradient; 1 if absent, and 0 is the attack without momentum",
    minimum: 0,
    maximum: 10,
  },
  start: {
    title: "Random start",
    description:
      "Radius of the uniformly random start as a share of ε: 0 starts at the image itself, 1 anywhere in the ball",
    minimum: 0,
    maximum: 1,
  },
  restarts: {
    title: "Restarts",
    description:
      "How often the attack runs, with the seeds from `seed` on; the result that leaves the fewest pixels right is kept. Where the first start is the image itself, the others are random",
    minimum: 1,
    maximum: 100,
    integer: true,
  },
  patience: {
    title: "Patience",
    description:
      "The attack ends after so many evaluations in a row that have not raised the objective's maximum; 0 if absent: never",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    integer: true,
  },
  window: {
    title: "First window",
    description:
      "Share of the image that the square windows of a random search cover at first; they shrink as it goes on",
    minimum: 0,
    exclusive: true,
    maximum: 1,
  },
  side: {
    title: "Side",
    description: "Side of the patch, as a share of the image's shorter side",
    minimum: 0,
    exclusive: true,
    maximum: 1,
  },
  top: {
    title: "Top",
    description: "Where the patch lies, as a share of the room above and below it: 0 at the top, 1 at the bottom",
    minimum: 0,
    maximum: 1,
  },
  left: {
    title: "Left",
    description: "Where the patch lies, as a share of the room on both sides of it: 0 on the left, 1 on the right",
    minimum: 0,
    maximum: 1,
  },
  jitter: {
    title: "Jitter",
    description:
      "How far from its place the patch is put at random at each step, as a share of the room: it then works around that place too; 0 makes it for one place",
    minimum: 0,
    maximum: 1,
  },
  samples: {
    title: "Samples",
    description: "Pairs of opposite perturbations that one estimate of the gradient is made from, at two queries each",
    minimum: 1,
    maximum: 10_000,
    integer: true,
  },
  sigma: {
    title: "Smoothing σ",
    description: "Standard deviation of the normal perturbations that a gradient is estimated from",
    unit: "grey levels",
    minimum: 0,
    exclusive: true,
    maximum: 255,
  },
} as const satisfies Readonly<Record<string, OptionDefinition>>;

export type OptionName = keyof typeof optionDefinitions;

/** Values of an attack's options, in the units of their definitions. */
export type OptionValues = { readonly [O in OptionName]?: number | undefined };

export const optionNames = Object.keys(optionDefinitions) as readonly OptionName[];

/** The options among other properties; those that are undefined are left out. */
export const optionValues = (from: OptionValues): OptionValues =>
  Object.fromEntries(optionNames.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** How an attack takes an option. */
export interface OptionUse {
  /** Where none is given: a number, or one that follows from ε and the norm. */
  readonly default: number | ((epsilon: number, norm: Norm) => number);
  /** Given by the attack's definition, so that another value is refused: what is said then. */
  readonly fixed?: string;
}

export type OptionUses = { readonly [O in OptionName]?: OptionUse };

/** The value of an option where none is given. */
export const defaultOf = (use: OptionUse, epsilon: number, norm: Norm = "linf"): number =>
  typeof use.default === "number" ? use.default : use.default(epsilon, norm);
