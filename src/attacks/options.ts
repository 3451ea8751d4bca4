/** The options that attacks take: their meaning, units and ranges, for everything that shows or checks them. */

import type { Norm } from "./norms.ts";

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
    description: "Step size of the iterative attacks, in grey levels; 1 if absent. A single step is ε itself",
    unit: "grey levels",
    minimum: 0,
    exclusive: true,
    maximum: 255,
  },
  steps: {
    title: "Steps",
    description: "Steps of the iterative attacks. The paper's number if absent: max(⌈min(ε + 4, 1.25 ε)⌉, 1)",
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
