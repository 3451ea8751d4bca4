/** Attacks that accumulate the gradient over their steps. */

import { iterative, whiteBox, type AttackEntry } from "../entry.ts";
import { momentumRule, nesterovRule } from "../rules/momentum.ts";

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
  "ni-fgsm": {
    ...whiteBox,
    title: "NI-FGSM",
    summary:
      "MI-FGSM with the gradient taken where the accumulated one leads (Nesterov), which transfers better still.",
    formula: "g ← μ·g + ∇L(x + α·μ·g)/mean|∇L|; clip(x + α·sign g, x₀ ± ε)",
    paper: {
      title: "Nesterov Accelerated Gradient and Scale Invariance for Adversarial Attacks",
      authors: "Lin, Song, He, Wang, Hopcroft",
      year: 2020,
      arxiv: "1908.06281",
    },
    objective: "cross-entropy",
    random: false,
    options: { ...iterative, momentum: { default: 1 } },
    rule: ({ alpha, momentum = 1 }) => nesterovRule({ alpha, momentum }),
  },
  "di-fgsm": {
    ...whiteBox,
    title: "DI-FGSM",
    summary:
      "MI-FGSM on an image that half of the steps reduce and move at random, which transfers better to other networks.",
    formula: "g ← μ·g + ∇L(T(x))/‖∇L‖₁, T with p = ½ a random resizing and padding; clip(x + α·sign g, x₀ ± ε)",
    paper: {
      title: "Improving Transferability of Adversarial Examples with Input Diversity",
      authors: "Xie, Zhang, Zhou, Bai, Wang, Ren, Yuille",
      year: 2019,
      arxiv: "1803.06978",
    },
    objective: "cross-entropy",
    diversity: [{ name: "resize-and-pad", options: { probability: 0.5, scale: [0.9, 1] } }],
    random: true,
    options: { ...iterative, momentum: { default: 1 } },
    rule: ({ alpha, momentum = 1 }) => momentumRule({ alpha, momentum }),
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
