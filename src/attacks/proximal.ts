/** Proximity operators of norms: prox(x) = argmin_z λ‖z‖ + ½ Σ hᵢ(zᵢ − xᵢ)². */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";
import type { Norm } from "./norms.ts";

/** Every value clipped to ±level. */
const levelled = (x: Float32Array, level: number, out = new Float32Array(x.length)): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(x[i]!, -level), level);
  return out;
};

/** The number of sizes above a level, and their sum. */
const above = (x: Float32Array, level: number): readonly [count: number, sum: number] => {
  let [count, sum] = [0, 0];
  inPieces([x], [], (piece, [at], sums) => {
    loops().sizesAbove(piece, at, level);
    count += sums[0]!;
    sum += sums[1]!;
  });
  return [count, sum];
};

/**
 * The level with Σ (|xᵢ| − level)⁺ = λ, where Σ |xᵢ| > λ. Newton's method climbs from below to the root of that convex function in
 * finitely many rounds; from above, its first step leads below.
 */
const levelOf = (x: Float32Array, lambda: number, guess: number): number => {
  const newton = (level: number): number => {
    const [count, sum] = above(x, level);
    return (sum - lambda) / count;
  };
  const first = guess > 0 ? newton(guess) : 0;
  for (let level = first > 0 ? first : 0; ;) {
    const next = newton(level);
    if (!(next > level)) return level;
    level = next;
  }
};

/** A vector scaled, and its values clipped at ±level. */
export interface Shrinkage {
  readonly scale: number;
  readonly level: number;
}

/**
 * What the proximity operator of λ‖·‖ in the Euclidean metric does to x. L2: x is shortened by λ, or 0. L∞: x is clipped such that its
 * sizes lose λ together, which is x less its projection onto the L1 ball of radius λ.
 *
 * @param norms Σ |xᵢ| and Σ xᵢ².
 * @param guess where the search for the level begins, if not at 0.
 */
export const shrinkage = (
  x: Float32Array,
  norms: { readonly l1: number; readonly squares: number },
  lambda: number,
  norm: Norm,
  guess = 0,
): Shrinkage => {
  if (norm === "l2") return { scale: Math.max(1 - lambda / (Math.sqrt(norms.squares) || 1), 0), level: Infinity };
  return norms.l1 <= lambda ? { scale: 0, level: Infinity } : { scale: 1, level: levelOf(x, lambda, guess) };
};

/**
 * The proximity operator of λ‖·‖∞ in the diagonal metric h, restricted to the box low ≤ z ≤ high, which contains 0: x, projected
 * onto the box and clipped at the level where Σ hᵢ(|xᵢ| − level) = λ over the elements that are clipped. The sum falls as the level
 * rises, so that the level is found by bisection, to `tolerance`.
 */
export const proxLinfInBox = (
  x: Float32Array,
  lambda: number,
  metric: Float32Array,
  low: Float32Array,
  high: Float32Array,
  tolerance = 1e-7,
): Float32Array<ArrayBuffer> => {
  const inside = new Float32Array(x.length);
  /** Of the elements that may be clipped: |x| in the box, |x| and h; their number, the largest |x| in the box, and Σ h·|x|. */
  const [sizes, free, metrics] = [new Float32Array(x.length), new Float32Array(x.length), new Float32Array(x.length)];
  let [count, largest, whole] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const v = Math.min(Math.max(x[i]!, low[i]!), high[i]!);
    inside[i] = v;
    const size = Math.abs(v);
    if (!(size <= largest)) largest = size; // a NaN stays
    if (!(size > 0)) continue;
    const outside = Math.abs(x[i]!);
    sizes[count] = size;
    free[count] = outside;
    metrics[count++] = metric[i]!;
    whole += metric[i]! * outside;
  }
  /** Those below a level that is too low are never clipped. */
  const keepAbove = (level: number): void => {
    let kept = 0;
    for (let k = 0; k < count; k++) {
      if (!(sizes[k]! > level)) continue;
      sizes[kept] = sizes[k]!;
      free[kept] = free[k]!;
      metrics[kept] = metrics[k]!;
      kept += 1;
    }
    count = kept;
  };
  const pull = (level: number): number => {
    let sum = 0;
    for (let k = 0; k < count; k++) if (sizes[k]! > level) sum += metrics[k]! * (free[k]! - level);
    return sum;
  };
  let [below, above] = [0, largest];
  if (whole <= lambda) return new Float32Array(x.length);
  while (above - below > tolerance) {
    const middle = (below + above) / 2;
    if (pull(middle) > lambda) {
      below = middle;
      keepAbove(below);
    } else above = middle;
  }
  return levelled(inside, (below + above) / 2);
};
