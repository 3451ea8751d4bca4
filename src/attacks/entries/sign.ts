/** The attacks of the paper and PGD: steps along the sign of the gradient. */

import {
  iterative,
  iterativeInAnyNorm,
  randomStart,
  singleStep,
  whiteBox,
  type AttackEntry,
  type Paper,
} from "../entry.ts";
import { l2Rule } from "../rules/l2.ts";
import { randomFgsmRule } from "../rules/random-fgsm.ts";
import { signRule } from "../rules/sign.ts";

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

export const signAttacks = {
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
    targetedObjective: "cross-entropy",
    random: false,
    options: singleStep("fgsm-ii"),
    rule: signRule,
  },
  "r-fgsm": {
    ...whiteBox,
    title: "R-FGSM",
    summary: "A random step of α, then one step of ε − α away from each pixel's own label.",
    formula: "x′ = x + α·sign N(0, I); x′ + (ε − α)·sign ∇L(x′, y)",
    paper: {
      title: "Ensemble Adversarial Training: Attacks and Defenses",
      authors: "Tramèr, Kurakin, Papernot, Goodfellow, Boneh, McDaniel",
      year: 2018,
      arxiv: "1705.07204",
    },
    objective: "cross-entropy",
    random: true,
    options: {
      alpha: { default: (epsilon) => epsilon / 2 },
      steps: { default: 1, fixed: "must be 1: r-fgsm takes one step along the gradient" },
      restarts: { default: 1 },
    },
    rule: randomFgsmRule,
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
    targetedObjective: "cross-entropy",
    random: false,
    options: iterative,
    rule: signRule,
  },
  pgd: {
    ...whiteBox,
    title: "PGD",
    summary: "Iterative FGSM from a random start within ε.",
    formula: "as Iterative FGSM, from x₀ + U(−ε, ε); in L2 along ∇L/‖∇L‖₂",
    paper: {
      title: "Towards Deep Learning Models Resistant to Adversarial Attacks",
      authors: "Madry, Makelov, Schmidt, Tsipras, Vladu",
      year: 2018,
      arxiv: "1706.06083",
    },
    objective: "cross-entropy",
    random: true,
    norms: ["linf", "l2"],
    options: { ...iterativeInAnyNorm, ...randomStart },
    rule: (options) => (options.norm === "l2" ? l2Rule : signRule)(options),
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
