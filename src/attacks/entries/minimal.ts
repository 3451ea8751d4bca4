/** The smallest radius of attacks of fixed budget, by bisection. Those of FGSM and PGD are as published; any other becomes one of minimum norm by a row here. */

import { minimumNorm, type AttackEntry } from "../entry.ts";
import type { OptionName, OptionUses } from "../options.ts";
import { l2Rule } from "../rules/l2.ts";
import { minimalRule } from "../rules/minimal.ts";
import { signRule } from "../rules/sign.ts";
import { adaptiveAttacks } from "./adaptive.ts";
import { gradientFreeAttacks } from "./gradient-free.ts";
import { goalOf, STILL_RIGHT, success } from "./minimum-norm.ts";
import { weightedAttacks } from "./weighted.ts";

/** Of minimal PGD as published: radii that are tried, steps within each, and the parts of the radius that a step is one of. */
const [BISECTIONS, STEPS, PARTS] = [13, 40, 30];
const SHARE = 1 / PARTS;

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
    ...success,
  },
  rule: ({ steps, success: share, norm, ...options }) => {
    const goal = goalOf({ norm, success: share });
    const own = { ...options, steps, norm: goal.norm, start: 0 };
    const of = (epsilon: number) => entry.rule({ ...own, epsilon, alpha: SHARE * epsilon });
    return minimalRule({ name, of }, { bisections: Math.ceil(steps / (STEPS + 1)), ...goal });
  },
});

export const minimalAttacks = {
  "minimal-fgsm": {
    ...minimumNorm,
    title: "Minimal FGSM",
    summary: "The smallest ε at which FGSM moves enough pixels, by bisection.",
    formula: "min ε such that x + ε·sign ∇L(x, y) succeeds",
    paper: {
      title: "Proximal Splitting Adversarial Attacks for Semantic Segmentation",
      authors: "Rony, Pesquet, Ben Ayed",
      year: 2023,
      arxiv: "2206.07179",
    },
    objective: "cross-entropy",
    random: false,
    // Each radius takes two evaluations: the step, and where it ends.
    options: { steps: { default: 2 * BISECTIONS }, ...success },
    rule: ({ steps, ...options }) => {
      const fgsm = { name: "fgsm", of: (epsilon: number) => signRule({ alpha: epsilon }) };
      return minimalRule(fgsm, { bisections: Math.ceil(steps / 2), ...goalOf(options) });
    },
  },
  "minimal-pgd": {
    ...minimumNorm,
    norms: ["linf", "l2"],
    title: "Minimal PGD",
    summary: "The smallest ε at which PGD in steps of ε/30 moves enough pixels, by bisection.",
    formula: "min ε such that 40 steps of ε/30 within ε succeed, on L over the pixels still right",
    paper: {
      title: "Proximal Splitting Adversarial Attacks for Semantic Segmentation",
      authors: "Rony, Pesquet, Ben Ayed",
      year: 2023,
      arxiv: "2206.07179",
    },
    objective: STILL_RIGHT,
    random: false,
    options: { steps: { default: BISECTIONS * (STEPS + 1) }, bisections: { default: BISECTIONS }, ...success },
    rule: ({ bisections = BISECTIONS, ...options }) => {
      const rule = options.norm === "l2" ? l2Rule : signRule;
      const pgd = { name: "pgd", of: (epsilon: number) => rule({ alpha: epsilon / PARTS }) };
      return minimalRule(pgd, { bisections, ...goalOf(options) });
    },
  },
  "minimal-segpgd": minimal("segpgd", weightedAttacks.segpgd),
  "minimal-cospgd": minimal("cospgd", weightedAttacks.cospgd),
  "minimal-apgd": minimal("apgd", adaptiveAttacks.apgd),
  "minimal-rays": minimal("rays", gradientFreeAttacks.rays),
} as const satisfies Readonly<Record<string, AttackEntry>>;
