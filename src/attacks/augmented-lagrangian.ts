/** Multipliers and penalties of each pixel's constraint, as ALMA prox updates them. */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";
import { tensor } from "../tensor.ts";
import type { Clock, Feeds } from "./attack.ts";
import { smallestOf } from "./select.ts";

/** What the objective `penalised-dlr` is fed at an evaluation, and what the updates remember. The next step overwrites the maps. */
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

/** In place, each μ follows ∂P/∂c of the penalty that `penalised-dlr` defines, where a dropped constraint weighs nothing (simd/multipliers.ts). */
const follow = ({ mu, rho, kept, smoothing }: Lagrangian, constraints: Float32Array): void => {
  if (smoothing === 1) return;
  inPieces([mu, constraints, rho, kept], [mu], (count, [at, c, rho, kept]) =>
    loops().followSlopes(count, at, c, rho, kept, smoothing, MIN_MU, MAX_MU),
  );
};

/** 0 for the largest constraints, whose number grows from none at the first step to 1 − `success` of the pixels at the last. */
const keep = (
  kept: Float32Array,
  constraints: Float32Array,
  counted: Float32Array,
  success: number,
  { step, steps }: Clock,
): void => {
  let count = 0;
  for (let i = 0; i < constraints.length; i++) if (constraints[i] !== 0) counted[count++] = constraints[i]!;
  const dropped = Math.floor(((1 - success) * count * step) / Math.max(steps - 1, 1));
  // The k-th largest is kept, and what equals it.
  const limit = dropped > 0 && dropped <= count ? smallestOf(counted.subarray(0, count), count - dropped) : Infinity;
  for (let i = 0; i < kept.length; i++) kept[i] = constraints[i]! <= limit ? 1 : 0;
};

/** What an evaluation says of the constraints. */
export interface Seen {
  /** The difference of logits ratio of each pixel, 0 where it is void. */
  readonly ratios: Float32Array;
  /** Whether enough pixels are moved. */
  readonly succeeded: boolean;
}

/**
 * The Lagrangian of the next evaluation, whose maps are those of the one before, overwritten.
 *
 * @param rooms two arrays of the ratios' length, which are overwritten.
 */
export const advanced = (
  before: Lagrangian,
  { ratios, succeeded }: Seen,
  success: number,
  at: Clock,
  [constraints, counted]: readonly [Float32Array<ArrayBuffer>, Float32Array],
): Lagrangian => {
  const { rho, kept, scale, moved } = before;
  const isFirst = before.checked.length === 0;
  const checked = isFirst ? new Float32Array(ratios.length) : before.checked;
  inPieces([ratios], [constraints], (count, [at]) => loops().scale(count, at, scale, at));
  for (let i = 0; i < moved.length; i++) moved[i]! |= ratios[i]! < 0 ? 1 : 0;
  const checks = at.step % CHECK_EVERY === 0 && !isFirst;
  const stays = (i: number): boolean => moved[i] === 1 || kept[i]! * constraints[i]! <= IMPROVED * checked[i]!;
  follow(before, constraints);
  if (checks) {
    for (let i = 0; i < rho.length; i++) if (!stays(i)) rho[i]! *= GROWTH;
    moved.fill(0);
  }
  if (checks || isFirst) checked.set(constraints);
  keep(kept, constraints, counted, success, at);
  return {
    ...before,
    scale: Math.min(Math.max(scale / (succeeded ? 1 + SCALE_RATE : 1 - SCALE_RATE), MIN_SCALE), 1),
    smoothing: MEMORY,
    checked,
  };
};
