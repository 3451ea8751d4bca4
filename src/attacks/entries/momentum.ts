/** Attacks that accumulate the gradient over their steps. */

import { iterative, whiteBox, type AttackEntry } from "../entry.ts";
import { momentumRule } from "../rules/momentum.ts";

export const momentumAttacks = {
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
