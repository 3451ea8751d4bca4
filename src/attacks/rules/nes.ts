/** Steps along the sign of a gradient that is estimated from values: NES. */

import type { Rule } from "../attack.ts";
import { requirePositive } from "../constraint.ts";
import { normals } from "../../random.ts";
import { plus } from "../vectors.ts";
import { signStep } from "./sign.ts";

export interface NesOptions {
  /** Step size in grey levels. */
  readonly alpha: number;
  /** Pairs of queries that one estimate is made from. */
  readonly samples: number;
  /** σ, the standard deviation of the perturbations in grey levels. */
  readonly sigma: number;
}

type NesState = {
  /** The iterate; what is evaluated lies beside it. */
  readonly at: Float32Array<ArrayBuffer>;
  /** u of the pair that is being evaluated, from N(0, I). */
  readonly noise: Float32Array<ArrayBuffer>;
  /** The value at x + σu, once it is known. */
  readonly above: number | null;
  /** Σ (L(x + σu) − L(x − σu))·u over the pairs that are done, and their number. */
  readonly sum: Float32Array<ArrayBuffer>;
  readonly pairs: number;
};

/**
 * x ← project(x + α·sign Σ (L(x + σu) − L(x − σu))·u) over pairs of opposite perturbations, u from N(0, I): natural evolution
 * strategies (Ilyas et al., Black-box Adversarial Attacks with Limited Queries and Information, ICML 2018). Each step is one query; if the
 * queries end amid an estimate, the pairs that are done make the last step. Queries may lie outside the ball, the result does not.
 */
export const nesRule = ({ alpha, samples, sigma }: NesOptions): Rule<NesState> => {
  requirePositive({ alpha, samples, sigma });
  return {
    kind: "nes",
    parameters: { alpha, samples, sigma },
    needs: "value",
    begin: ({ data }, _, random) => {
      const noise = normals(random, data.length);
      const sum = new Float32Array(data.length);
      return { state: { at: Float32Array.from(data), noise, above: null, sum, pairs: 0 }, x: plus(data, sigma, noise) };
    },
    next: (state, { value }, _, { clean, constraint, step, steps, random }) => {
      const { at, noise, above, sum } = state;
      const complete = above !== null;
      const pairs = state.pairs + (complete ? 1 : 0);
      if (complete) plus(sum, above - value, noise, sum);
      const due = pairs === samples || (step === steps && pairs > 0);
      if (due) {
        signStep(sum, alpha, at, clean, constraint, at);
        sum.fill(0);
      }
      if (complete) normals(random(), at.length, noise);
      return {
        state: { at, noise, above: complete ? null : value, sum, pairs: due ? 0 : pairs },
        x: plus(at, complete ? sigma : -sigma, noise),
      };
    },
    result: ({ at }) => at,
  };
};
