/** Attacks whose step size follows the progress: APGD, alone and in SEA, and PAdam. */

import { randomStart, whiteBox, type AttackEntry } from "../entry.ts";
import { apgdRule } from "../rules/apgd.ts";
import { padamRule } from "../rules/padam.ts";

export const adaptiveAttacks = {
  apgd: {
    ...whiteBox,
    title: "APGD",
    summary:
      "Momentum, and a step size that starts at 2ε and is halved where the loss no longer rises; no step size to tune.",
    formula: "z = P(x + η·sign ∇L(x, y)); x ← P(x + 0.75(z − x) + 0.25(x − x₋₁)); η from 2ε, halved at checkpoints",
    paper: {
      title: "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks",
      authors: "Croce, Hein",
      year: 2020,
      arxiv: "2003.01690",
    },
    objective: "cross-entropy",
    random: true,
    options: { steps: { default: 100 }, ...randomStart },
    rule: apgdRule,
  },
  padam: {
    ...whiteBox,
    title: "PAdam",
    summary: "Adam with AMSGrad on the image, projected after each step, from a random start.",
    formula: "P(x + α·Adam(∇L(x, y))), from x₀ + U(−ε, ε)",
    paper: {
      title: "Evaluating the Adversarial Robustness of Semantic Segmentation: Trying Harder Pays Off",
      authors: "Halmosi, Mohos, Jelasity",
      year: 2024,
      arxiv: "2407.09150",
    },
    objective: "cross-entropy",
    random: true,
    options: { alpha: { default: 2 }, steps: { default: 200 }, ...randomStart, patience: { default: 0 } },
    rule: padamRule,
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
