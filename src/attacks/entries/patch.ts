/** Attacks that change a part of the image alone. */

import { whiteBox, type AttackEntry } from "../entry.ts";
import { patchRule, squareIn } from "../rules/patch.ts";

const [SIDE, MIDDLE, JITTER] = [0.25, 0.5, 0.05];

export const patchAttacks = {
  patch: {
    ...whiteBox,
    title: "Patch",
    summary:
      "Changes a square of the image by as much as ε allows, to move the labels outside of it, in expectation over its place.",
    formula:
      "p ← p + α·Adam(∇Σ wᵢ·Lᵢ), i outside of the patch p; wᵢ = γ if pixel i is still right, else 1 − γ; γ = 0.8",
    paper: {
      title:
        "Evaluating the Robustness of Semantic Segmentation for Autonomous Driving against Real-World Adversarial Patch Attacks",
      authors: "Nesti, Rossolini, Nair, Biondi, Buttazzo",
      year: 2022,
      arxiv: "2108.06179",
    },
    atlas: "AML.T0043.000",
    objective: "patch",
    radius: 255,
    random: true,
    options: {
      alpha: { default: 8 },
      steps: { default: 200 },
      side: { default: SIDE },
      top: { default: MIDDLE },
      left: { default: MIDDLE },
      jitter: { default: JITTER },
    },
    covers: ({ side = SIDE, top = MIDDLE, left = MIDDLE, jitter = JITTER }, shape) =>
      squareIn({ side, top, left, jitter }, shape),
    rule: ({ alpha, side = SIDE, top = MIDDLE, left = MIDDLE, jitter = JITTER }) =>
      patchRule({ alpha, side, top, left, jitter }),
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
