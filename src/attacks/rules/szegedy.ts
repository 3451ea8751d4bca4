/** The box-constrained minimisation of Szegedy et al., by a search over the weight of the norm. */

import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { gradientOf, type Rule } from "../attack.ts";
import { endsOf, requirePositive } from "../constraint.ts";
import { adamLoop, noMoments, type Moments } from "../moments.ts";
import { distanceOf, l2 } from "../norms.ts";
import { phaseOf } from "../phases.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Smallest } from "../smallest.ts";

export interface SzegedyOptions {
  /** First learning rate of each run, in grey levels. */
  readonly alpha: number;
  readonly success: number;
  /** How many weights are tried. */
  readonly bisections: number;
}

type SzegedyState = {
  readonly weight: number;
  /** The largest weight with a success and the smallest without one; 0 before there is one. */
  readonly enough: number;
  readonly tooMuch: number;
  readonly succeeded: boolean;
  readonly moments: Moments;
  readonly best: Smallest;
};

/** Between the weights that bound it, by their ratio; a tenth of the smallest that failed while none succeeded. */
const weightBetween = (enough: number, tooMuch: number): number =>
  enough > 0 ? Math.sqrt(enough * tooMuch) : tooMuch / 10;

/**
 * min c‖r‖₂ + L(f(x + r), y_t) over r with x + r in the range of pixels, and the largest c at which its minimiser succeeds (Szegedy
 * et al., Intriguing Properties of Neural Networks, ICLR 2014). In place of L-BFGS each run takes steps of Adam, whose rate falls
 * linearly to 0. The search starts from ‖∇L(x)‖₂, above which r = 0 is a minimiser of a convex L; the interval is halved in log c.
 */
export const szegedyRule = ({ alpha, success, bisections }: SzegedyOptions): Rule<SzegedyState> => {
  requirePositive({ alpha, bisections });
  requireSuccess(success);
  const goal = { norm: "l2", success } as const;
  return {
    kind: "szegedy",
    parameters: { alpha, success, bisections },
    needs: "gradient",
    begin: ({ data }) => ({
      state: {
        weight: 0,
        enough: 0,
        tooMuch: 0,
        succeeded: false,
        moments: noMoments(data.length),
        best: nothingYet(data),
      },
      x: data,
    }),
    next: (state, seen, x, { clean, constraint, step, steps }) => {
      const best = smallerOf(state.best, seen, x, clean, goal);
      const gradient = gradientOf(seen, x.length);
      const tooMuch = state.tooMuch || l2(gradient) || 1;
      const weight = state.weight || weightBetween(state.enough, tooMuch);
      const succeeded = state.succeeded || succeeds(seen, goal);
      const phase = phaseOf({ step, steps }, bisections);
      if (phase.isLast && step < steps) {
        const [enough, beyond] = succeeded ? [weight, tooMuch] : [state.enough, weight];
        const next = {
          weight: weightBetween(enough, beyond),
          enough,
          tooMuch: beyond,
          succeeded: false,
          moments: noMoments(x.length),
          best,
        };
        return { state: next, x: Float32Array.from(clean) };
      }
      const pull = -weight / (distanceOf(x, clean, "l2") || 1);
      const rate = alpha * (1 - (phase.step - 1) / phase.steps);
      const updates = state.moments.count + 1;
      const [low, high] = endsOf(constraint.pixelRange);
      const adam = adamLoop(updates);
      const { mean, square } = state.moments;
      inPieces([x, mean, square, gradient, clean], [gradient, mean, square], (count, [at, m, v, up, around]) => {
        loops().plusDifference(count, up, pull, at, around);
        adam(count, { mean: m, square: v, gradient: up });
        loops().plus(count, at, rate, up, at);
        loops().project(count, at, around, at, Infinity, low, high);
      });
      return {
        state: { ...state, weight, tooMuch, succeeded, moments: { mean, square, count: updates }, best },
        x: gradient,
      };
    },
    result: ({ best }) => best.x,
  };
};
