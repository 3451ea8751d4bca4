/** Attacks whose step size follows the progress: APGD, alone and in SEA, and PAdam. */

import { randomStart, whiteBox, type AttackEntry, type Paper } from "../entry.ts";
import type { OptionUses } from "../options.ts";
import { apgdRule, shrinking } from "../rules/apgd.ts";
import { padamRule } from "../rules/padam.ts";

const seaPaper: Paper = {
  title: "Towards Reliable Evaluation and Fast Training of Robust Semantic Segmentation Models",
  authors: "Croce, Singh, Hein",
  year: 2024,
  arxiv: "2306.12941",
};

/** SEA's losses, each with cross-entropy over all pixels as its value, which the step size follows. */
const losses = ["balanced-cross-entropy", "masked-cross-entropy", "steered-jensen-shannon"] as const;

const staged = { steps: { default: 300 }, ...randomStart } as const satisfies OptionUses;

export const adaptiveAttacks = {
  apgd: {
    ...whiteBox,
    title: "APGD",
    summary:
      "Momentum, and a step size that starts at 2ε and is halved where the loss no longer rises; no step size to tune. In L2 along the gradient itself.",
    formula: "z = P(x + η·sign ∇L(x, y)); x ← P(x + 0.75(z − x) + 0.25(x − x₋₁)); η from 2ε, halved at checkpoints",
    paper: {
      title: "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks",
      authors: "Croce, Hein",
      year: 2020,
      arxiv: "2003.01690",
    },
    objective: "cross-entropy",
    random: true,
    norms: ["linf", "l2"],
    options: { steps: { default: 100 }, ...randomStart },
    rule: apgdRule,
  },
  sea: {
    ...whiteBox,
    title: "SEA",
    summary:
      "Three APGDs in balls that shrink to ε, on three losses for segmentation; of the three images the worst counts.",
    formula: "APGD within 2ε, 1.5ε, ε for 3:3:4 of the steps, on class-balanced masked L, masked L and Jensen–Shannon",
    paper: seaPaper,
    objective: losses[0],
    random: true,
    options: staged,
    rule: ({ start }) => apgdRule({ start, stages: shrinking }),
    trajectories: (_, own) => [own, ...losses.slice(1).map((objective) => ({ ...own, objective }))],
  },
  "apgd-tsallis": {
    ...whiteBox,
    title: "APGD on Tsallis cross-entropy",
    summary: "APGD in balls that shrink to ε, on the Tsallis cross-entropy whose order rises anew in each.",
    formula: "APGD within 2ε, 1.5ε, ε for 3:3:4 of the steps, on Σ (1 − pᵢ^(1−q))/(1 − q), q from −2 to 1 in each",
    paper: {
      title: "TsallisPGD: Adaptive Gradient Weighting for Adversarial Attacks on Semantic Segmentation",
      authors: "Matyasko, Lou, Atmosukarto, Zhang",
      year: 2026,
      arxiv: "2605.03405",
    },
    objective: "steered-tsallis",
    random: true,
    options: staged,
    rule: ({ start }) => apgdRule({ start, stages: shrinking }),
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
