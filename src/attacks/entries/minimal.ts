/** The smallest radius of attacks of fixed budget, by bisection. Any of them becomes one of minimum norm by a row here. */

import { minimumNorm, type AttackEntry } from "../entry.ts";
import type { OptionName, OptionUses } from "../options.ts";
import { minimalRule } from "../rules/minimal.ts";
import { adaptiveAttacks } from "./adaptive.ts";
import { gradientFreeAttacks } from "./gradient-free.ts";
import { weightedAttacks } from "./weighted.ts";

const SUCCESS = 0.99;
/** Of minimal PGD as published: radii that are tried, steps within each, and their share of the radius. */
const [BISECTIONS, STEPS, SHARE] = [13, 40, 1 / 30];

/** Options of a single run that the search sets itself, or that would make it a search among searches. */
const ownOfRun: ReadonlySet<string> = new Set<OptionName>(["alpha", "steps", "start", "restarts", "patience"]);

/** Each run starts from the image itself; its steps are shares of its radius, where it has a step size. */
const minimal = (name: string, entry: AttackEntry): AttackEntry => ({
  ...minimumNorm,
  knowledge: entry.knowledge,
  atlas: entry.atlas,
  title: `Minimal ${entry.title}`,
  summary: `The smallest ε at which ${entry.title} moves enough pixels, by bisection.`,
  formula: `min ε such that ${STEPS} steps succeed${entry.options.alpha ? `, α = ε·${(100 * SHARE).toFixed(1)} %` : ""}: ${entry.formula}`,
  paper: entry.paper,
  objective: entry.objective,
  random: entry.random && !entry.options.start,
  options: {
    ...(Object.fromEntries(Object.entries(entry.options).filter(([option]) => !ownOfRun.has(option))) as OptionUses),
    steps: { default: BISECTIONS * (STEPS + 1) },
    success: { default: SUCCESS },
  },
  rule: ({ steps, success = SUCCESS, norm = "linf", ...options }) => {
    const of = (epsilon: number) => entry.rule({ ...options, steps, norm, epsilon, alpha: SHARE * epsilon, start: 0 });
    return minimalRule({ name, of }, { bisections: Math.ceil(steps / (STEPS + 1)), success, norm });
  },
});

export const minimalAttacks = {
  "minimal-segpgd": minimal("segpgd", weightedAttacks.segpgd),
  "minimal-cospgd": minimal("cospgd", weightedAttacks.cospgd),
  "minimal-apgd": minimal("apgd", adaptiveAttacks.apgd),
  "minimal-rays": minimal("rays", gradientFreeAttacks.rays),
} as const satisfies Readonly<Record<string, AttackEntry>>;
