/** Primal-dual proximal gradient descent. */

import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { tensor } from "../../tensor.ts";
import { gradientOf, perPixelOf, type Feeds, type Rule } from "../attack.ts";
import { endsOf, requirePositive } from "../constraint.ts";
import { BETA1, BETA2, correctionsAt, noMoments, type Moments } from "../moments.ts";
import { imageOf, shrinkage, type Shrinkage } from "../proximal.ts";
import { scratch } from "../scratch.ts";
import { nothingYet, requireSuccess, smallerOf, type Goal, type Smallest } from "../smallest.ts";

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

/** The largest of the multipliers' logarithms and of 0, which is the norm's. */
const topOf = (dual: Float32Array): number => {
  let top = 0;
  for (let i = 0; i < dual.length; i++) if (dual[i]! > top) top = dual[i]!;
  return top;
};

/** memory·weights + (1 − memory)·softmax of the multipliers' logarithms and of the norm's 0, without the norm's share; `room` is overwritten. */
const followed = (
  weights: Float32Array,
  dual: Float32Array,
  memory: number,
  room: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => {
  const [next, exponentials] = [new Float32Array(dual.length), room.subarray(0, dual.length)];
  const top = topOf(dual);
  let sum = Math.exp(-top);
  inPieces([dual], [exponentials], (count, [at], sums) => {
    loops().exponentialsBelow(count, at, top);
    sum += sums[0]!;
  });
  inPieces([weights, exponentials], [next], (count, [at, e]) =>
    loops().followShares(count, at, e, memory, 1 - memory, sum),
  );
  return next;
};

const fedWeights = (weights: Float32Array, size: readonly number[]): Feeds => ({
  weights: tensor("float32", [1, ...size], weights as Float32Array<ArrayBuffer>),
});

/**
 * In place, λ ← λ + θ·sign c for the multipliers' logarithms λ: up where a pixel is not moved, down where it is. c is exactly 0 where a
 * pixel is void.
 */
const ascend = (dual: Float32Array, excess: Float32Array, rate: number): void =>
  inPieces([dual, excess], [dual], (count, [at, c]) => loops().ascend(count, at, c, rate, FARTHEST));

/** The moments, updated in place, and Adam's step from r, kept in the range of pixels, and the metric that it was made in, with its largest value. */
const stepped = (
  { r, moments }: Pick<PdpgdState, "r" | "moments">,
  gradient: Float32Array,
  clean: Float32Array,
  rate: number,
  [low, high]: readonly [number, number],
) => {
  const { mean, square } = moments;
  const [metric, to] = [scratch(clean, 0), scratch(clean, 1)];
  const count = moments.count + 1;
  const [correction1, correction2] = correctionsAt(count);
  let largest = 0;
  inPieces([mean, square, gradient, r, clean], [mean, square, metric, to], (piece, at) => {
    const top = loops().pdpgdStep(piece, ...at.slice(0, 5), BETA1, BETA2, correction1, correction2, rate, low, high);
    largest = Math.max(largest, top); // a NaN stays
  });
  return { moments: { mean, square, count }, metric, largest, to };
};

/** r less its pull towards `to` in a metric, and Σ |r| and Σ r² of it. */
const pulled = (
  r: Float32Array,
  to: Float32Array,
  metric: Float32Array,
  largest: number,
  out: Float32Array<ArrayBuffer>,
) => {
  let [l1, squares] = [0, 0];
  inPieces([r, to, metric], [out], (piece, [at, goal, weights], sums) => {
    loops().pdpgdPull(piece, at, goal, weights, largest);
    l1 += sums[0]!;
    squares += sums[1]!;
  });
  return { l1, squares };
};

/** r shrunk in place and kept in the range of pixels; whether that is within a hundredth of r before the round, in L2. */
const shrunk = (
  r: Float32Array<ArrayBuffer>,
  { scale, level }: Shrinkage,
  before: Float32Array,
  clean: Float32Array,
  [low, high]: readonly [number, number],
): boolean => {
  let [moved, size] = [0, 0];
  inPieces([r, clean, before], [r], (piece, [at, around, earlier], sums) => {
    loops().pdpgdShrink(piece, at, around, earlier, scale, level, low, high);
    moved += sums[0]!;
    size += sums[1]!;
  });
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
        weights: followed(new Float32Array(pixels), dual, 0, new Float32Array(pixels)),
        best: nothingYet(data),
      };
      return { state, x: data, feeds: fedWeights(state.weights, shape.slice(1)) };
    },
    next: (state, seen, x, { clean, constraint, step, steps }) => {
      const best = smallerOf(state.best, seen, x, clean, { norm, success });
      const gradient = gradientOf(seen, x.length);
      const rate = (alpha / WHOLE) * RATE_DECAY ** ((step - 1) / steps);
      const range = endsOf(constraint.pixelRange);
      const { moments, metric, largest, to } = stepped(state, gradient, clean, rate, range);

      let total = 0;
      for (let i = 0; i < state.weights.length; i++) total += state.weights[i]!;
      const mu = ((1 - total) / total) * (rate / largest);
      let [r, next, level] = [to, scratch(clean, 2), 0];
      for (let round = 0; round < ROUNDS; round++) {
        const before = r;
        const norms = pulled(before, to, metric, largest, next);
        const shrinks = shrinkage(next, norms, mu, norm, level);
        r = next;
        if (shrunk(r, shrinks, before, clean, range)) break;
        level = shrinks.level;
        next = before === to ? scratch(clean, 3) : before;
      }

      const excess = perPixelOf(seen, state.dual.length);
      const theta = DUAL_RATE * (((steps - step) / Math.max(steps - 1, 1)) * (1 - DUAL_DECAY) + DUAL_DECAY);
      ascend(state.dual, excess.data, theta);
      const weights = followed(state.weights, state.dual, MEMORY, scratch(clean, 0));
      state.r.set(r);
      return {
        state: { ...state, moments, weights, best },
        x: imageOf(state.r, clean, constraint.pixelRange, gradient),
        feeds: fedWeights(weights, excess.shape),
      };
    },
    result: ({ best }) => best.x,
  };
};
