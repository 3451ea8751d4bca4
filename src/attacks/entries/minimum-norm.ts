/** Attacks that look for the smallest perturbation that moves enough pixels. */

import { minimumNorm, type AttackEntry, type AttackOptions } from "../entry.ts";
import { almaProxRule } from "../rules/alma-prox.ts";
import { carliniWagnerRule } from "../rules/carlini-wagner.ts";
import { dagRule } from "../rules/dag.ts";
import { ddnRule } from "../rules/ddn.ts";
import { fmnRule } from "../rules/fmn.ts";
import { pdpgdRule } from "../rules/pdpgd.ts";
import { szegedyRule } from "../rules/szegedy.ts";

const SUCCESS = 0.99;
export const success = { success: { default: SUCCESS } } as const;

/**
 * What DDN and minimal PGD climb. Their published forms for segmentation climb cross-entropy on all pixels, whose gradient is largest where
 * a pixel is moved by far already (1 − p_y → 1) and smallest where it is safest: a perturbation of bounded length is spent on
 * pixels that need no more of it. On the pixels still right alone it goes where it is needed; for one pixel the two are the same.
 */
export const STILL_RIGHT = "masked-cross-entropy";

/** The goal of a rule, from the options. */
export const goalOf = ({ norm = "linf", success: share = SUCCESS }: Pick<AttackOptions, "norm" | "success">) => ({
  norm,
  success: share,
});

export const minimumNormAttacks = {
  szegedy: {
    ...minimumNorm,
    distance: "l2",
    title: "Szegedy et al.",
    summary: "Minimises c‖r‖₂ plus the loss towards the target (or the least likely classes), with a search over c.",
    formula: "min c‖r‖₂ + L(f(x + r), y_t), x + r in 0..255, with the largest c that succeeds",
    paper: {
      title: "Intriguing Properties of Neural Networks",
      authors: "Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow, Fergus",
      year: 2014,
      arxiv: "1312.6199",
    },
    objective: "least-likely",
    targetedObjective: "cross-entropy",
    random: false,
    options: { alpha: { default: 1 }, steps: { default: 500 }, bisections: { default: 10 }, ...success },
    rule: ({ alpha, bisections = 10, ...options }) => szegedyRule({ alpha, bisections, ...goalOf(options) }),
  },
  "carlini-wagner": {
    ...minimumNorm,
    distance: "l2",
    title: "Carlini–Wagner L2",
    summary: "Minimises ‖δ‖₂² plus c times the hinge of the margins, through tanh, with a bisection over c.",
    formula: "min ‖δ‖₂² + c·Σ max(z_y − max_{k≠y} z_k, 0), x + δ = 255·(tanh w + 1)/2",
    paper: {
      title: "Towards Evaluating the Robustness of Neural Networks",
      authors: "Carlini, Wagner",
      year: 2017,
      arxiv: "1608.04644",
    },
    objective: "hinge",
    random: false,
    options: { steps: { default: 900 }, bisections: { default: 9 }, ...success },
    rule: ({ bisections = 9, ...options }) => carliniWagnerRule({ bisections, ...goalOf(options) }),
  },
  dag: {
    ...minimumNorm,
    title: "DAG",
    summary:
      "Adds the gradient of the pixels that are not moved yet, scaled to a largest change of γ, until enough are.",
    formula: "r ← r + γ·g/‖g‖∞, g = ∇Σ (z_y′ − z_y) over the pixels still right",
    paper: {
      title: "Adversarial Examples for Semantic Segmentation and Object Detection",
      authors: "Xie, Wang, Zhang, Zhou, Xie, Yuille",
      year: 2017,
      arxiv: "1703.08603",
    },
    objective: "dag",
    random: false,
    // 0.003 of the whole range, as the later evaluations have it; the 0.5 of the paper is of another scale of values.
    options: { alpha: { default: 0.765 }, steps: { default: 200 }, ...success },
    rule: ({ alpha, ...options }) => dagRule({ alpha, ...goalOf(options) }),
  },
  ddn: {
    ...minimumNorm,
    distance: "l2",
    title: "DDN",
    summary:
      "Turns the perturbation along the gradient of the pixels still right and sets its L2 norm apart: smaller after a success, else larger.",
    formula: "δ ← ρ·(δ + α∇L/‖∇L‖₂)/‖…‖₂, L over the pixels still right, ρ ← (1 ∓ 0.05)·ρ",
    paper: {
      title: "Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses",
      authors: "Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger",
      year: 2019,
      arxiv: "1811.09600",
    },
    objective: STILL_RIGHT,
    random: false,
    options: { steps: { default: 500 }, ...success },
    rule: (options) => ddnRule(goalOf(options)),
  },
  fmn: {
    ...minimumNorm,
    norms: ["linf", "l2"],
    title: "FMN",
    summary: "Steps along the gradient of the hinges into a ball whose radius follows the boundary of success.",
    formula: "δ ← project(δ − α∇h/‖∇h‖₂, ρ), h = Σ max(z_y − max_{k≠y} z_k, 0), ρ ← (1 ∓ γ)·ρ",
    paper: {
      title: "Fast Minimum-norm Adversarial Attacks through Adaptive Norm Constraints",
      authors: "Pintor, Roli, Brendel, Biggio",
      year: 2021,
      arxiv: "2102.12827",
    },
    objective: "hinge",
    random: false,
    options: { steps: { default: 500 }, ...success },
    rule: (options) => fmnRule(goalOf(options)),
  },
  pdpgd: {
    ...minimumNorm,
    norms: ["linf", "l2"],
    title: "PDPGD",
    summary:
      "Plays the norm against a multiplier for each pixel: Adam, a proximal step, and ascent of the multipliers.",
    formula: "min_r max_λ ‖r‖ + Σ λ·softplus(z_y − max_{k≠y} z_k)",
    paper: {
      title: "PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack",
      authors: "Matyasko, Chau",
      year: 2021,
      arxiv: "2106.01538",
    },
    objective: "weighted-softplus-margin",
    random: false,
    // 0.01 of the whole range, as evaluations of segmentation have it.
    options: { alpha: { default: 2.55 }, steps: { default: 500 }, ...success },
    rule: ({ alpha, ...options }) => pdpgdRule({ alpha, ...goalOf(options) }),
  },
  "alma-prox": {
    ...minimumNorm,
    title: "ALMA prox",
    summary: "An augmented Lagrangian over the pixels with a proximal step on ‖δ‖∞; the strongest of minimum norm.",
    formula: "δ ← prox_{λ‖·‖∞}(δ − λ·H⁻¹∇Σ P(w·DLR; μ, ρ))",
    paper: {
      title: "Proximal Splitting Adversarial Attacks for Semantic Segmentation",
      authors: "Rony, Pesquet, Ben Ayed",
      year: 2023,
      arxiv: "2206.07179",
    },
    objective: "penalised-dlr",
    random: false,
    // 0.001 of the whole range.
    options: { alpha: { default: 0.255 }, steps: { default: 500 }, ...success },
    rule: ({ alpha, ...options }) => almaProxRule({ alpha, ...goalOf(options) }),
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
