/** Primal-dual proximal gradient descent. */

import { tensor } from "../../tensor.ts";
import { gradientOf, perPixelOf, type Feeds, type Rule } from "../attack.ts";
import { project, requirePositive, withinRange } from "../constraint.ts";
import { metricOf, noMoments, stepOf, updated, type Moments } from "../moments.ts";
import { l2, linf } from "../norms.ts";
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
  const top = dual.reduce((largest, v) => Math.max(largest, v), 0);
  const exponentials = dual.map((v) => Math.exp(v - top));
  const sum = exponentials.reduce((total, v) => total + v, Math.exp(-top));
  return exponentials.map((v) => v / sum);
};

const fedWeights = (weights: Float32Array, size: readonly number[]): Feeds => ({
  weights: tensor("float32", [1, ...size], weights as Float32Array<ArrayBuffer>),
});

/**
 * λ ← λ + θ·sign c for the multipliers' logarithms λ: up where a pixel is not moved, down where it is. c is exactly 0 where a
 * pixel is void.
 */
const ascended = (dual: Float32Array, excess: Float32Array, rate: number): Float32Array =>
  dual.map((v, i) =>
    excess[i] === 0 ? -Infinity : Math.min(Math.max(v + rate * Math.sign(excess[i]!), -FARTHEST), FARTHEST),
  );

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
      const imageOf = (r: Float32Array): Float32Array<ArrayBuffer> => {
        const image = plus(clean, WHOLE, r);
        return project(image, clean, withinRange(constraint), image);
      };
      const inRange = (r: Float32Array): Float32Array<ArrayBuffer> => {
        const kept = imageOf(r);
        for (let i = 0; i < kept.length; i++) kept[i] = (kept[i]! - clean[i]!) / WHOLE;
        return kept;
      };
      const up = stepOf(moments);
      const stepped = inRange(plus(state.r, rate, up, up));

      const metric = metricOf(moments);
      const largest = linf(metric);
      const total = state.weights.reduce((sum, v) => sum + v, 0);
      const mu = ((1 - total) / total) * (rate / largest);
      let r = stepped;
      for (let round = 0; round < ROUNDS; round++) {
        const before = r;
        const pulled = new Float32Array(before.length);
        for (let i = 0; i < pulled.length; i++)
          pulled[i] = before[i]! - (metric[i]! / largest) * (before[i]! - stepped[i]!);
        r = inRange(prox(pulled, mu, norm));
        if (!(l2(plus(r, -1, before)) >= SETTLED * l2(r))) break;
      }

      const excess = perPixelOf(seen, state.dual.length);
      const theta = DUAL_RATE * (((steps - step) / Math.max(steps - 1, 1)) * (1 - DUAL_DECAY) + DUAL_DECAY);
      const dual = ascended(state.dual, excess.data, theta);
      const now = shares(dual);
      const weights = accumulated(state.weights, MEMORY, now, 1 - MEMORY);
      return {
        state: { r, moments, dual, weights, best },
        x: imageOf(r),
        feeds: fedWeights(weights, excess.shape),
      };
    },
    result: ({ best }) => Float32Array.from(best.x),
  };
};
