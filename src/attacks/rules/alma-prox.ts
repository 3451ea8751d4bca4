/** ALMA prox: an augmented Lagrangian with a proximal step. */

import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { gradientOf, perPixelOf, type Clock, type Rule } from "../attack.ts";
import { advanced, feedsOf, firstLagrangian, type Lagrangian } from "../augmented-lagrangian.ts";
import { endsOf, requirePositive, type PixelRange } from "../constraint.ts";
import { imageOf, proxLinfInBox } from "../proximal.ts";
import { scratch } from "../scratch.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Smallest } from "../smallest.ts";

export interface AlmaProxOptions {
  /** First learning rate in grey levels. */
  readonly alpha: number;
  readonly success: number;
}

type AlmaProxState = {
  /** The perturbation in units of the whole range. */
  readonly delta: Float32Array<ArrayBuffer>;
  /** Running mean of the squared gradient. */
  readonly squares: Float32Array;
  readonly lagrangian: Lagrangian;
  /** The step of the first success in the first half of the steps. */
  readonly foundAt: number | null;
  readonly best: Smallest;
};

/** Grey levels in the whole range: the learning rate and the metric are published for values in 0..1. */
const WHOLE = 255;
const [RATE_DECAY, MEMORY, MIN_METRIC] = [0.1, 0.8, 1e-8];

/** 1 until the first success or half of the steps, and then along a hyperbola to 0.1 at the end. */
const decayOf = (foundAt: number | null, { step, steps }: Clock): number => {
  const from = foundAt ?? Math.floor(steps / 2) + 1;
  const bend = (RATE_DECAY / (1 - RATE_DECAY)) * Math.max(steps + 1 - from, 1);
  return bend / (Math.max(step - from, 0) + bend);
};

interface Room {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** Of the images under attack: their room is the same at each step. */
const rooms = new WeakMap<Float32Array, Room & { readonly range: string }>();

/** Distance of each value to the ends of the range, in units of the whole range. */
const roomOf = (clean: Float32Array, range: PixelRange): Room => {
  const [lowest, highest] = endsOf(range);
  const key = `${lowest} ${highest}`;
  const known = rooms.get(clean);
  if (known?.range === key) return known;
  const [low, high] = [new Float32Array(clean.length), new Float32Array(clean.length)];
  for (let i = 0; i < clean.length; i++) {
    low[i] = (lowest - clean[i]!) / WHOLE;
    high[i] = (highest - clean[i]!) / WHOLE;
  }
  rooms.set(clean, { low, high, range: key });
  return { low, high };
};

/**
 * min ‖δ‖∞ subject to each pixel's constraint c = w·DLR < 0, by an augmented Lagrangian with multipliers μ and penalties ρ (Rony,
 * Pesquet and Ben Ayed, Proximal Splitting Adversarial Attacks for Semantic Segmentation, CVPR 2023). δ takes a step in the
 * metric of RMSProp down Σ P(c; μ, ρ), then the proximity operator of the learning rate times ‖·‖∞ in that metric and in the
 * range of pixels. Every 10 steps ρ doubles where a pixel was neither moved nor its constraint reduced by 5 %; w shrinks by 2 %
 * when enough pixels are moved and grows else. The released code reads w, ρ and which constraints are dropped off the evaluation
 * that they weigh; here they come from the evaluation before, so that one evaluation a step is enough. μ is as published.
 */
export const almaProxRule = ({ alpha, success }: AlmaProxOptions): Rule<AlmaProxState> => {
  requirePositive({ alpha });
  requireSuccess(success);
  const goal = { norm: "linf", success } as const;
  return {
    kind: "alma-prox",
    parameters: { alpha, success },
    needs: "gradient",
    begin: ({ data, shape: [, height, width] }) => {
      const lagrangian = firstLagrangian(height! * width!);
      const [delta, squares] = [new Float32Array(data.length), new Float32Array(data.length)];
      const state = { delta, squares, lagrangian, foundAt: null, best: nothingYet(data) };
      return { state, x: data, feeds: feedsOf(lagrangian, height!, width!) };
    },
    next: (state, seen, x, { clean, constraint, step, steps }) => {
      const at = { step, steps };
      const ratios = perPixelOf(seen, clean.length / 3);
      const succeeded = succeeds(seen, goal);
      const foundAt = state.foundAt ?? (succeeded && step <= steps / 2 ? step : null);

      const gradient = gradientOf(seen, x.length);
      const correction = 1 / (1 - MEMORY ** step);
      const rate = (alpha / WHOLE) * decayOf(foundAt, at);
      const { delta, squares } = state;
      const [stepped, metric] = [scratch(clean, 0), scratch(clean, 1)];
      inPieces([delta, squares, gradient], [stepped, squares, metric], (count, [at, v, g]) =>
        loops().rmsStep(count, at, v, g, MEMORY, correction, MIN_METRIC, rate * WHOLE),
      );
      const { low, high } = roomOf(clean, constraint.pixelRange);
      const room = new Uint32Array(scratch(clean, 2).buffer);
      proxLinfInBox(stepped, rate, metric, low, high, { inside: delta, room });

      const { length } = ratios.data;
      const free = [stepped.subarray(0, length), metric.subarray(0, length)] as const;
      const lagrangian = advanced(state.lagrangian, { ratios: ratios.data, succeeded }, success, at, free);
      return {
        state: { delta, squares, lagrangian, foundAt, best: smallerOf(state.best, seen, x, clean, goal) },
        x: imageOf(delta, clean, constraint.pixelRange, gradient),
        feeds: feedsOf(lagrangian, ratios.shape[0]!, ratios.shape[1]!),
      };
    },
    result: ({ best }) => best.x,
  };
};
