/** Primal-dual proximal gradient descent. */

import { tensor } from "../../tensor.ts";
import { gradientOf, perPixelOf, type Feeds, type Rule } from "../attack.ts";
import { project, requirePositive, withinRange, type PixelRange } from "../constraint.ts";
import { metricOf, noMoments, stepIn, updated, type Moments } from "../moments.ts";
import { linf } from "../norms.ts";
import { prox } from "../proximal.ts";
import { nothingYet, requireSuccess, smallerOf, type Goal, type Smallest } from "../smallest.ts";
import { accumulated, plus, scaled } from "../vectors.ts";

export interface PdpgdOptions extends Goal {
  /** First primal learning rate, in grey levels; it falls to a hundredth of it. */
  readonly alpha: number;
}

type PdpgdState = {
  /** The perturbation in units of the whole range. */
  readonly r: Float32Array;
  readonly moments: Moments;
  /** Logarithm of each pixel's multiplier over that of the norm; −Infinity where a pixel is void. */
  readonly dual: Float32Array;
  /** Running mean of the multipliers; those of the pixels and that of the norm add up to 1. */
  readonly weights: Float32Array;
  readonly best: Smallest;
};

/** Grey levels in the whole range: the metric, the learning rates and the multipliers are published for values in 0..1. */
const WHOLE = 255;
const [RATE_DECAY, DUAL_RATE, DUAL_DECAY, MEMORY] = [0.01, 0.1, 0.1, 0.9];
/** Rounds of the proximal operator in Adam's metric, and the relative change at which they end. */
const [ROUNDS, SETTLED] = [5, 1e-2];
/** The logarithms of the multipliers stay within ± this. */
const FARTHEST = -Math.log(1e-12);

/** softmax of the multipliers' logarithms and of 0, which is the norm's; without the norm's. */
const shares = (dual: Float32Array): Float32Array<ArrayBuffer> => {
  let top = 0;
  for (let i = 0; i < dual.length; i++) top = Math.max(top, dual[i]!);
  const exponentials = new Float32Array(dual.length);
  let sum = Math.exp(-top);
  for (let i = 0; i < dual.length; i++) {
    exponentials[i] = Math.exp(dual[i]! - top);
    sum += exponentials[i]!;
  }
  return divided(exponentials, sum);
};

/** In place. */
const divided = (values: Float32Array<ArrayBuffer>, by: number): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / by;
  return values;
};

const fedWeights = (weights: Float32Array, size: readonly number[]): Feeds => ({
  weights: tensor("float32", [1, ...size], weights as Float32Array<ArrayBuffer>),
});

/**
 * λ ← λ + θ·sign c for the multipliers' logarithms λ: up where a pixel is not moved, down where it is. c is exactly 0 where a
 * pixel is void.
 */
const ascended = (dual: Float32Array, excess: Float32Array, rate: number): Float32Array => {
  const next = new Float32Array(dual.length);
  for (let i = 0; i < next.length; i++) {
    const c = excess[i]!;
    next[i] = c === 0 ? -Infinity : Math.min(Math.max(dual[i]! + rate * Math.sign(c), -FARTHEST), FARTHEST);
  }
  return next;
};

/** r, in place, such that clean + r lies in the range of pixels; each step is rounded to float32 as an image is. */
const keptInRange = (
  r: Float32Array<ArrayBuffer>,
  clean: Float32Array,
  range: PixelRange,
): Float32Array<ArrayBuffer> => {
  const [low, high] = range ?? [-Infinity, Infinity];
  for (let i = 0; i < r.length; i++) {
    const c = clean[i]!;
    const v = Math.fround(c + WHOLE * r[i]!);
    r[i] = (Math.fround(v < low ? low : v > high ? high : v) - c) / WHOLE;
  }
  return r;
};

/** Whether the last round moved r by less than a hundredth of it, in L2. */
const hasSettled = (r: Float32Array, before: Float32Array): boolean => {
  let [moved, size] = [0, 0];
  for (let i = 0; i < r.length; i++) {
    const d = r[i]! - before[i]!;
    moved += d * d;
    size += r[i]! * r[i]!;
  }
  return !(Math.sqrt(moved) >= SETTLED * Math.sqrt(size));
};

/**
 * min ‖r‖ subject to each pixel's constraint c < 0, as a game between r and multipliers λ that add up to 1 with the norm's
 * (Matyasko and Chau, PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack, 2021; for segmentation as in
 * adversarial-library): Adam's step down Σ λ·softplus(c), then the proximity operator of μ‖·‖ in Adam's metric with
 * μ = (1 − Σλ)/Σλ times the learning rate, and λ ascends by sign c. The objective takes λ as `weights`.
 */
export const pdpgdRule = ({ alpha, norm, success }: PdpgdOptions): Rule<PdpgdState> => {
  requirePositive({ alpha });
  requireSuccess(success);
  return {
    kind: `pdpgd-${norm}`,
    parameters: { alpha, success },
    needs: "gradient",
    begin: ({ data, shape }) => {
      const pixels = data.length / 3;
      const dual = new Float32Array(pixels).fill(-Math.log(pixels));
      const state = {
        r: new Float32Array(data.length),
        moments: noMoments(data.length),
        dual,
        weights: shares(dual),
        best: nothingYet(data),
      };
      return { state, x: data, feeds: fedWeights(state.weights, shape.slice(1)) };
    },
    next: (state, seen, x, { clean, constraint, step, steps }) => {
      const best = smallerOf(state.best, seen, x, clean, { norm, success });
      const gradient = gradientOf(seen, x.length);
      const moments = updated(state.moments, scaled(gradient, WHOLE));
      const rate = (alpha / WHOLE) * RATE_DECAY ** ((step - 1) / steps);
      const inRange = (r: Float32Array<ArrayBuffer>) => keptInRange(r, clean, constraint.pixelRange);
      const metric = metricOf(moments);
      const up = stepIn(moments, metric);
      const stepped = inRange(plus(state.r, rate, up, up));

      const largest = linf(metric);
      let total = 0;
      for (let i = 0; i < state.weights.length; i++) total += state.weights[i]!;
      const mu = ((1 - total) / total) * (rate / largest);
      let [r, next] = [stepped, new Float32Array(stepped.length)];
      for (let round = 0; round < ROUNDS; round++) {
        const before = r;
        for (let i = 0; i < next.length; i++)
          next[i] = before[i]! - (metric[i]! / largest) * (before[i]! - stepped[i]!);
        r = inRange(prox(next, mu, norm, next));
        if (hasSettled(r, before)) break;
        next = before === stepped ? new Float32Array(stepped.length) : before;
      }

      const excess = perPixelOf(seen, state.dual.length);
      const theta = DUAL_RATE * (((steps - step) / Math.max(steps - 1, 1)) * (1 - DUAL_DECAY) + DUAL_DECAY);
      const dual = ascended(state.dual, excess.data, theta);
      const now = shares(dual);
      const weights = accumulated(state.weights, MEMORY, now, 1 - MEMORY);
      const image = plus(clean, WHOLE, r);
      return {
        state: { r, moments, dual, weights, best },
        x: project(image, clean, withinRange(constraint), image),
        feeds: fedWeights(weights, excess.shape),
      };
    },
    result: ({ best }) => Float32Array.from(best.x),
  };
};
