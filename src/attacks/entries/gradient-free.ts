/** Attacks that query the network: by the objective's value, or by labels alone. */

import { gradientFree, type AttackEntry } from "../entry.ts";
import { nesRule } from "../rules/nes.ts";
import { raysRule } from "../rules/rays.ts";
import { squareRule } from "../rules/square.ts";

/** The share of the paper's L∞ attack on ImageNet. */
const WINDOW = 0.05;
/** 0.001 of the range of grey levels, as in the paper. */
const SIGMA = 0.255;

const queries = { steps: { default: 1000 } } as const;
const patience = { patience: { default: 0 } } as const;

export const gradientFreeAttacks = {
  square: {
    ...gradientFree,
    title: "Square",
    summary:
      "Random search over squares of the image by the loss alone; it shows networks that only hide their gradient.",
    formula: "x₀ ± ε in a random square of each channel, kept where L(x, y) is larger",
    paper: {
      title: "Square Attack: a Query-efficient Black-box Adversarial Attack via Random Search",
      authors: "Andriushchenko, Croce, Flammarion, Hein",
      year: 2020,
      arxiv: "1912.00049",
    },
    objective: "cross-entropy",
    random: true,
    options: { ...queries, window: { default: WINDOW }, restarts: { default: 1 }, ...patience },
    rule: ({ window = WINDOW }) => squareRule({ window }),
  },
  nes: {
    ...gradientFree,
    title: "NES",
    summary: "Signed steps along a gradient that is estimated from the loss at pairs of opposite random perturbations.",
    formula: "clip(x + α·sign Σ (L(x + σu) − L(x − σu))·u, x₀ ± ε), u from N(0, I)",
    paper: {
      title: "Black-box Adversarial Attacks with Limited Queries and Information",
      authors: "Ilyas, Engstrom, Athalye, Lin",
      year: 2018,
      arxiv: "1804.08598",
    },
    objective: "cross-entropy",
    random: true,
    options: {
      alpha: { default: 1 },
      ...queries,
      samples: { default: 10 },
      sigma: { default: SIGMA },
      restarts: { default: 1 },
      ...patience,
    },
    rule: ({ alpha, samples = 10, sigma = SIGMA }) => nesRule({ alpha, samples, sigma }),
  },
  rays: {
    ...gradientFree,
    title: "RayS",
    summary:
      "Turns the signs of halves, quarters, … of the perturbation where fewer labels stay; it sees nothing but labels.",
    formula: "x₀ + ε·d, d ∈ {−1, 1}ⁿ; a block of d is turned where fewer pixels keep their label",
    paper: {
      title: "RayS: A Ray Searching Method for Hard-label Adversarial Attack",
      authors: "Chen, Gu",
      year: 2020,
      arxiv: "2006.12792",
    },
    objective: "cross-entropy",
    random: false,
    options: { ...queries, ...patience },
    rule: raysRule,
  },
} as const satisfies Readonly<Record<string, AttackEntry>>;
