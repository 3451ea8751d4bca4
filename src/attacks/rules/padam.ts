/** Adam on the image, projected after each step: PAdam. */

import { gradientOf, type Rule } from "../attack.ts";
import { project, requirePositive } from "../constraint.ts";
import { BETA1, BETA2 } from "../moments.ts";
import { startWithin } from "../start.ts";
import { best, judge, type Best } from "./best.ts";

export interface AdamOptions {
  /** Learning rate in grey levels. */
  readonly alpha: number;
  /** Radius of the random start as a share of ε; default 0: the image itself. */
  readonly start?: number | undefined;
}

/** Added to the square root, as Kingma and Ba (2015) give it. */
const STABLE = 1e-8;

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
      const zeros = () => new Float32Array(data.length);
      return {
        state: { first: zeros(), second: zeros(), largest: zeros(), best: null },
        x: startWithin(start, data, constraint, random),
      };
    },
    next: (state, seen, x, { clean, constraint, step }) => {
      const gradient = gradientOf(seen, x.length);
      const [rate, scale] = [alpha / (1 - BETA1 ** step), 1 / (1 - BETA2 ** step)];
      const { length } = x;
      const { first, second, largest } = state;
      for (let i = 0; i < length; i++) {
        const g = gradient[i]!;
        first[i] = BETA1 * first[i]! + (1 - BETA1) * g;
        second[i] = BETA2 * second[i]! + (1 - BETA2) * g ** 2;
        largest[i] = Math.max(largest[i]!, second[i]!);
        gradient[i] = x[i]! + (rate * first[i]!) / (Math.sqrt(scale * largest[i]!) + STABLE);
      }
      return {
        state: { first, second, largest, best: state.best ? judge(state.best, seen, x) : best(seen, x) },
        x: project(gradient, clean, constraint, gradient),
      };
    },
    result: (state, x) => state.best?.x ?? x,
  };
};
