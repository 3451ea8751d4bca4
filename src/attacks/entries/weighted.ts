/** Steps along the sign of a gradient in which each pixel has a weight: attacks made for segmentation. */

import { whiteBox, type AttackEntry } from "../entry.ts";
import type { OptionUses } from "../options.ts";
import { signRule } from "../rules/sign.ts";

/** In the released code of SegPGD's and CosPGD's loss, pixels are in 0..1 and the step is 0.01: 2.55 grey levels. */
const options = { alpha: { default: 2.55 }, steps: { default: 20 } } as const satisfies OptionUses;

/** From the image itself; the last iterate is the result. */
const weighted = { ...whiteBox, random: false, options, rule: signRule } as const satisfies Partial<AttackEntry>;

export const weightedAttacks = {
  segpgd: {
    ...weighted,
    title: "SegPGD",
    summary: "Iterative FGSM that first climbs where pixels are still right, and in the end on all alike.",
    formula: "clip(x + α·sign ∇Σ wᵢ·Lᵢ, x₀ ± ε), wᵢ = 1 − λ if pixel i is still right, else λ; λ = (t − 1)/2T",
    paper: {
      title:
        "SegPGD: An Effective and Efficient Adversarial Attack for Evaluating and Boosting Segmentation Robustness",
      authors: "Gu, Zhao, Tresp, Torr",
      year: 2022,
      arxiv: "2207.12391",
    },
    objective: "segpgd",
  },
  cospgd: {
    ...weighted,
    title: "CosPGD",
    summary: "Iterative FGSM where each pixel weighs as much as its softmax is aligned with its label.",
    formula: "clip(x + α·sign ∇Σ wᵢ·Lᵢ, x₀ ± ε), wᵢ = cos(softmax(zᵢ), onehot(yᵢ)) held fixed",
    paper: {
      title: "CosPGD: an efficient white-box adversarial attack for pixel-wise prediction tasks",
      authors: "Agnihotri, Jung, Keuper",
      year: 2024,
      arxiv: "2302.02213",
    },
    objective: "cospgd",
  },
  "tsallis-pgd": {
    ...weighted,
    title: "TsallisPGD",
    summary: "Iterative FGSM on the Tsallis cross-entropy, whose order moves from confident pixels to all alike.",
    formula: "clip(x + α·sign ∇Σ (1 − pᵢ^(1−q))/(1 − q), x₀ ± ε), pᵢ the label's probability, q from −2 to 1",
    paper: {
      title: "TsallisPGD: Adaptive Gradient Weighting for Adversarial Attacks on Semantic Segmentation",
      authors: "Matyasko, Lou, Atmosukarto, Zhang",
      year: 2026,
      arxiv: "2605.03405",
    },
    objective: "tsallis",
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
