/**
 * What the documents say of each attack, in the form of src/attacks/catalogue.ts: where that has `attacks` and `AttackEntry`, this file
 * goes, and page.ts imports them from there.
 */

import type { AttackName } from "../../src/attacks/catalogue.ts";

/** What the tables of the documents need of an entry of the catalogue. */
export interface AttackEntry {
  readonly title: string;
  /** One sentence. */
  readonly summary: string;
  /** The step as a formula. */
  readonly formula: string;
  readonly knowledge: "white-box" | "transfer" | "gradient-free";
  readonly type: "fixed-budget" | "minimum-norm";
  readonly distance: "linf" | "l2";
  readonly paper: { readonly title: string; readonly authors: string; readonly year: number; readonly arxiv: string };
}

const whiteBox = { knowledge: "white-box", type: "fixed-budget", distance: "linf" } as const;

const physical = {
  title: "Adversarial Examples in the Physical World",
  authors: "Kurakin, Goodfellow, Bengio",
  year: 2017,
  arxiv: "1607.02533",
};

export const attacks = {
  fgsm: {
    ...whiteBox,
    title: "FGSM",
    summary: "One step of size ε away from each pixel's own label.",
    formula: "clip(x + ε·sign ∇L(x, y))",
    paper: {
      title: "Explaining and Harnessing Adversarial Examples",
      authors: "Goodfellow, Shlens, Szegedy",
      year: 2015,
      arxiv: "1412.6572",
    },
  },
  "fgsm-ii": {
    ...whiteBox,
    title: "FGSM II",
    summary: "One step of size ε towards each pixel's least likely class.",
    formula: "clip(x − ε·sign ∇L(x, y_ll))",
    paper: {
      title: "Adversarial Machine Learning at Scale",
      authors: "Kurakin, Goodfellow, Bengio",
      year: 2017,
      arxiv: "1611.01236",
    },
  },
  ifgsm: {
    ...whiteBox,
    title: "Iterative FGSM",
    summary: "Many small steps away from each pixel's own label.",
    formula: "clip(x + α·sign ∇L(x, y))",
    paper: physical,
  },
  "ifgsm-ii": {
    ...whiteBox,
    title: "Iterative FGSM II",
    summary: "Many small steps towards each pixel's least likely class.",
    formula: "clip(x − α·sign ∇L(x, y_ll)), y_ll anew at each step",
    paper: physical,
  },
  pgd: {
    ...whiteBox,
    title: "PGD",
    summary: "Iterative FGSM from a random start within ε.",
    formula: "clip(x + α·sign ∇L(x, y)), from x₀ + U(−ε, ε)",
    paper: {
      title: "Towards Deep Learning Models Resistant to Adversarial Attacks",
      authors: "Madry, Makelov, Schmidt, Tsipras, Vladu",
      year: 2018,
      arxiv: "1706.06083",
    },
  },
} as const satisfies Readonly<Record<AttackName, AttackEntry>>;
