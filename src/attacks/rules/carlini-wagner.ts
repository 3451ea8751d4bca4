/** The L2 attack of Carlini and Wagner. */

import { gradientOf, type Rule } from "../attack.ts";
import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { requirePositive, type PixelRange } from "../constraint.ts";
import { adamLoop, noMoments, type Moments } from "../moments.ts";
import { phaseOf } from "../phases.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Smallest } from "../smallest.ts";

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

/** The image as a function of w; without a range of pixels it is 255·w. */
interface Squash {
  /** The image of a piece of w, at another address. */
  readonly image: (count: number, w: number, x: number) => void;
  readonly inverse: (x: Float32Array) => Float32Array<ArrayBuffer>;
  /** ∂x/∂w of each value in grey levels: half·(1 − curved·tanh² w). */
  readonly half: number;
  readonly curved: 0 | 1;
}

const squashOf = (range: PixelRange): Squash => {
  if (!range)
    return {
      image: (count, w, x) => loops().scale(count, w, WHOLE, x),
      inverse: (x) => x.map((v) => v / WHOLE),
      half: WHOLE,
      curved: 0,
    };
  const [low, high] = range;
  const half = (high - low) / 2;
  return {
    image: (count, w, x) => loops().squash(count, w, x, low, half),
    inverse: (x) => {
      const w = new Float32Array(x.length);
      inPieces([x], [w], (count, [at]) => loops().unsquash(count, at, low, half, INSIDE));
      return w;
    },
    half,
    curved: 1,
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
      const updates = state.moments.count + 1;
      const adam = adamLoop(updates);
      const { w } = state;
      const { mean, square } = state.moments;
      inPieces(
        [x, w, mean, square, gradient, clean],
        [gradient, w, mean, square],
        (count, [at, w, mean, square, up, around]) => {
          // Up −(‖δ‖² + c·loss), with δ in units of the whole range.
          loops().squashAscent(count, w, up, at, around, up, state.weight, squash.half, squash.curved, WHOLE);
          adam(count, { mean, square, gradient: up });
          loops().plus(count, w, LEARNING_RATE, up, w);
          squash.image(count, w, at);
        },
      );
      return { state: { ...state, w, succeeded, moments: { mean, square, count: updates }, best }, x: gradient };
    },
    result: ({ best }) => best.x,
  };
};
