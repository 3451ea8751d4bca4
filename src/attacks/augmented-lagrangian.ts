/** Multipliers and penalties of each pixel's constraint, as ALMA prox updates them. */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";
import { tensor } from "../tensor.ts";
import type { Clock, Feeds } from "./attack.ts";
import { smallestOf } from "./select.ts";
import { scaled } from "./vectors.ts";

/** What the objective `penalised-dlr` is fed at an evaluation, and what the updates remember. */
export type Lagrangian = {
  /** μ, the multiplier of each pixel. */
  readonly mu: Float32Array;
  /** ρ, the penalty of each pixel. */
  readonly rho: Float32Array;
  /** 1 where a pixel's constraint counts, 0 where it is dropped. */
  readonly kept: Float32Array;
  /** w, by which all constraints are scaled. */
  readonly scale: number;
  /** How much of μ stays when it moves with the constraint of the evaluation; 1 at the first one. */
  readonly smoothing: number;
  /** Constraints at the last check; none before the first evaluation. */
  readonly checked: Float32Array;
  /** 1 where a pixel was moved at any evaluation since the last check. */
  readonly moved: Uint8Array;
};

const MEMORY = 0.8;
const [CHECK_EVERY, IMPROVED, GROWTH] = [10, 0.95, 2];
const [SCALE_RATE, MIN_SCALE] = [0.02, 0.1];
const [MIN_MU, MAX_MU] = [1e-12, 1];

/** μ = 1 and ρ = 0.01 of every pixel. */
export const firstLagrangian = (pixels: number): Lagrangian => ({
  mu: new Float32Array(pixels).fill(1),
  rho: new Float32Array(pixels).fill(0.01),
  kept: new Float32Array(pixels).fill(1),
  scale: 1,
  smoothing: 1,
  checked: new Float32Array(),
  moved: new Uint8Array(pixels),
});

/** The inputs of `penalised-dlr` beside the labels. */
export const feedsOf = ({ mu, rho, kept, scale, smoothing }: Lagrangian, height: number, width: number): Feeds => {
  const map = (values: Float32Array) => tensor("float32", [1, height, width], values as Float32Array<ArrayBuffer>);
  const scalar = (value: number) => tensor("float32", [1], Float32Array.of(value));
  return { mu: map(mu), rho: map(rho), weights: map(kept), scale: scalar(scale), smoothing: scalar(smoothing) };
};

/** Each μ follows ∂P/∂c of the penalty that `penalised-dlr` defines, where a dropped constraint weighs nothing (simd/multipliers.ts). */
const followed = ({ mu, rho, kept, smoothing }: Lagrangian, constraints: Float32Array): Float32Array => {
  if (smoothing === 1) return mu;
  const next = new Float32Array(mu.length);
  inPieces([mu, constraints, rho, kept], [next], (count, [at, c, rho, kept]) =>
    loops().followSlopes(count, at, c, rho, kept, smoothing, MIN_MU, MAX_MU),
  );
  return next;
};

/** 0 for the largest constraints, whose number grows from none at the first step to 1 − `success` of the pixels at the last. */
const keptOf = (constraints: Float32Array, success: number, { step, steps }: Clock): Float32Array => {
  const counted = new Float32Array(constraints.length);
  let count = 0;
  for (let i = 0; i < constraints.length; i++) if (constraints[i] !== 0) counted[count++] = constraints[i]!;
  const dropped = Math.floor(((1 - success) * count * step) / Math.max(steps - 1, 1));
  // The k-th largest is kept, and what equals it.
  const limit = dropped > 0 && dropped <= count ? smallestOf(counted.subarray(0, count), count - dropped) : Infinity;
  const kept = new Float32Array(constraints.length);
  for (let i = 0; i < kept.length; i++) kept[i] = constraints[i]! <= limit ? 1 : 0;
  return kept;
};

/**
 * The Lagrangian of the next evaluation.
 *
 * @param ratios the difference of logits ratio of each pixel, 0 where it is void.
 * @param succeeded whether enough pixels are moved.
 */
export const advanced = (
  before: Lagrangian,
  ratios: Float32Array,
  succeeded: boolean,
  success: number,
  at: Clock,
): Lagrangian => {
  const { rho, kept, scale, checked, moved } = before;
  const constraints = scaled(ratios, scale);
  const everMoved = moved.slice();
  for (let i = 0; i < everMoved.length; i++) everMoved[i]! |= ratios[i]! < 0 ? 1 : 0;
  const checks = at.step % CHECK_EVERY === 0 && checked.length > 0;
  const stays = (i: number): boolean => everMoved[i] === 1 || kept[i]! * constraints[i]! <= IMPROVED * checked[i]!;
  return {
    mu: followed(before, constraints),
    rho: checks ? rho.map((p, i) => (stays(i) ? p : GROWTH * p)) : rho,
    kept: keptOf(constraints, success, at),
    scale: Math.min(Math.max(scale / (succeeded ? 1 + SCALE_RATE : 1 - SCALE_RATE), MIN_SCALE), 1),
    smoothing: MEMORY,
    checked: checks || checked.length === 0 ? constraints : checked,
    moved: checks ? new Uint8Array(moved.length) : everMoved,
  };
};
