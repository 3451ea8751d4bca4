/** Adam on the image, projected after each step: PAdam. */

import { gradientOf, type Rule } from "../attack.ts";
import { project, requirePositive } from "../constraint.ts";
import { startWithin } from "../start.ts";
import { best, judge, type Best } from "./best.ts";

export interface AdamOptions {
  /** Learning rate in grey levels. */
  readonly alpha: number;
  /** Radius of the random start as a share of ε; default 0: the image itself. */
  readonly start?: number | undefined;
}

/** Adam's constants as Kingma and Ba (2015) give them. */
const [BETA1, BETA2, STABLE] = [0.9, 0.999, 1e-8];

type AdamState = {
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** The largest second moment of each component so far (AMSGrad). */
  readonly largest: Float32Array;
  readonly best: Best | null;
};

/**
 * m ← β₁m + (1 − β₁)∇, v ← β₂v + (1 − β₂)∇², v̂ ← max(v̂, v), and x ← project(x + α·m/(1 − β₁ᵗ) ÷ (√(v̂/(1 − β₂ᵗ)) + 1e-8)):
 * Adam with AMSGrad (Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, ICLR 2018) as PyTorch computes it, as an
 * attack on segmentation by Halmosi, Mohos and Jelasity (2024). Its result is the evaluated image with the fewest pixels left.
 */
export const padamRule = ({ alpha, start = 0 }: AdamOptions): Rule<AdamState> => {
  requirePositive({ alpha });
  return {
    kind: "padam",
    parameters: { alpha, start },
    needs: "gradient",
    judged: 1,
    begin: ({ data }, constraint, random) => {
      const zeros = new Float32Array(data.length);
      return {
        state: { first: zeros, second: zeros, largest: zeros, best: null },
        x: startWithin(start, data, constraint, random),
      };
    },
    next: (state, seen, x, { clean, constraint, step }) => {
      const gradient = gradientOf(seen, x.length);
      const [rate, scale] = [alpha / (1 - BETA1 ** step), 1 / (1 - BETA2 ** step)];
      const first = state.first.map((m, i) => BETA1 * m + (1 - BETA1) * gradient[i]!);
      const second = state.second.map((v, i) => BETA2 * v + (1 - BETA2) * gradient[i]! ** 2);
      const largest = state.largest.map((v, i) => Math.max(v, second[i]!));
      const moved = x.map((v, i) => v + (rate * first[i]!) / (Math.sqrt(scale * largest[i]!) + STABLE));
      return {
        state: { first, second, largest, best: state.best ? judge(state.best, seen, x) : best(seen, x) },
        x: project(moved, clean, constraint),
      };
    },
    result: (state, x) => (state.best ? Float32Array.from(state.best.x) : x),
  };
};
