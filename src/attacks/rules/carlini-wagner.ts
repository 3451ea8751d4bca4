/** The L2 attack of Carlini and Wagner. */

import { gradientOf, type Rule } from "../attack.ts";
import { requirePositive, type PixelRange } from "../constraint.ts";
import { noMoments, stepOf, updated, type Moments } from "../moments.ts";
import { phaseOf } from "../phases.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Smallest } from "../smallest.ts";
import { plus, scaled } from "../vectors.ts";

export interface CarliniWagnerOptions {
  readonly success: number;
  /** How many weights are tried. */
  readonly bisections: number;
}

type CarliniWagnerState = {
  /** The variable that is optimised: unbounded, the image being its squashed form. */
  readonly w: Float32Array;
  /** The weight c of the loss; the largest without a success; the smallest with one, Infinity before there is one. */
  readonly weight: number;
  readonly tooLittle: number;
  readonly enough: number;
  readonly succeeded: boolean;
  readonly moments: Moments;
  readonly best: Smallest;
};

/** All in units of the whole range of grey levels, as published. */
const WHOLE = 255;
const [FIRST_WEIGHT, LEARNING_RATE] = [1e-3, 0.01];
/** Keeps the ends of the range a finite w. */
const INSIDE = 1 - 1e-6;

/** The image as a function of w, and its derivative; without a range of pixels it is 255·w. */
interface Squash {
  readonly image: (w: Float32Array) => Float32Array<ArrayBuffer>;
  readonly inverse: (x: Float32Array) => Float32Array<ArrayBuffer>;
  /** ∂x/∂w of each value in grey levels. */
  readonly slopes: (w: Float32Array) => Float64Array;
}

/**
 * The slopes of the w whose image is being evaluated, which have the exponential of the image: they are made with it. They are a
 * function of w alone, so that an attack that goes on elsewhere computes the same.
 */
const slopesMade = new WeakMap<Float32Array, Float64Array>();

/** To some units of 10⁻¹⁶, in a third of the time of Math.tanh, which is exact in relative terms near 0 as well. */
const tanh = (w: number): number => {
  const e = Math.exp(-2 * Math.abs(w));
  return (Math.sign(w) * (1 - e)) / (1 + e);
};

const squashOf = (range: PixelRange): Squash => {
  if (!range)
    return {
      image: (w) => scaled(w, WHOLE),
      inverse: (x) => x.map((v) => v / WHOLE),
      slopes: (w) => new Float64Array(w.length).fill(WHOLE),
    };
  const [low, high] = range;
  const half = (high - low) / 2;
  const image = (w: Float32Array) => {
    const [x, slopes] = [new Float32Array(w.length), new Float64Array(w.length)];
    for (let i = 0; i < x.length; i++) {
      const t = tanh(w[i]!);
      x[i] = low + half * (t + 1);
      slopes[i] = half * (1 - t ** 2);
    }
    slopesMade.set(w, slopes);
    return x;
  };
  return {
    image,
    inverse: (x) => x.map((v) => Math.atanh(INSIDE * ((v - low) / half - 1))),
    slopes: (w) => {
      if (!slopesMade.has(w)) image(w);
      return slopesMade.get(w)!;
    },
  };
};

/**
 * min ‖δ‖₂² + c·Σ max(margin, 0) with x + δ = 255·(tanh w + 1)/2 by Adam on w, from the clean image anew for each c, which is
 * bisected: ten times larger until one succeeds, then halfway between those that did and did not (Carlini and Wagner, Towards
 * Evaluating the Robustness of Neural Networks, S&P 2017). Of all evaluated images the smallest success is the result.
 */
export const carliniWagnerRule = ({ success, bisections }: CarliniWagnerOptions): Rule<CarliniWagnerState> => {
  requirePositive({ bisections });
  requireSuccess(success);
  const goal = { norm: "l2", success } as const;
  return {
    kind: "carlini-wagner",
    parameters: { success, bisections },
    needs: "gradient",
    begin: ({ data }, { pixelRange }) => ({
      state: {
        w: squashOf(pixelRange).inverse(data),
        weight: FIRST_WEIGHT,
        tooLittle: 0,
        enough: Infinity,
        succeeded: false,
        moments: noMoments(data.length),
        best: nothingYet(data),
      },
      x: data,
    }),
    next: (state, seen, x, { clean, constraint: { pixelRange }, step, steps }) => {
      const best = smallerOf(state.best, seen, x, clean, goal);
      const succeeded = state.succeeded || succeeds(seen, goal);
      const squash = squashOf(pixelRange);
      if (phaseOf({ step, steps }, bisections).isLast && step < steps) {
        const enough = succeeded ? Math.min(state.weight, state.enough) : state.enough;
        const tooLittle = succeeded ? state.tooLittle : Math.max(state.weight, state.tooLittle);
        const weight = enough < Infinity ? (tooLittle + enough) / 2 : 10 * state.weight;
        const w = squash.inverse(clean);
        const moments = noMoments(x.length);
        return {
          state: { w, weight, tooLittle, enough, succeeded: false, moments, best },
          x: Float32Array.from(clean),
        };
      }
      const gradient = gradientOf(seen, x.length);
      // Up −(‖δ‖² + c·loss), with δ in units of the whole range.
      const slopes = squash.slopes(state.w);
      const ascent = new Float32Array(x.length);
      for (let i = 0; i < ascent.length; i++)
        ascent[i] = slopes[i]! * (state.weight * gradient[i]! - (2 * (x[i]! - clean[i]!)) / WHOLE ** 2);
      const moments = updated(state.moments, ascent);
      const direction = stepOf(moments);
      const w = plus(state.w, LEARNING_RATE, direction, direction);
      return { state: { ...state, w, succeeded, moments, best }, x: squash.image(w) };
    },
    result: ({ best }) => Float32Array.from(best.x),
  };
};
