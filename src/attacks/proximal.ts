/** Proximity operators of norms: prox(x) = argmin_z λ‖z‖ + ½ Σ hᵢ(zᵢ − xᵢ)². */

import { l2, type Norm } from "./norms.ts";
import { scaled } from "./vectors.ts";

/** Every value clipped to ±level. */
const levelled = (x: Float32Array, level: number, out = new Float32Array(x.length)): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(x[i]!, -level), level);
  return out;
};

/** The sizes of the values that are not 0, in their order; their number and their sum. */
const sizesOf = (x: Float32Array) => {
  const sizes = new Float32Array(x.length);
  let [count, sum] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (size <= 0) continue;
    sum += size;
    sizes[count++] = size;
  }
  return { sizes, count, sum };
};

type Prox = (x: Float32Array, lambda: number, out?: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>;

/** Of λ‖·‖₂: x shortened by λ, or 0. */
const proxL2: Prox = (x, lambda, out) => scaled(x, Math.max(1 - lambda / (l2(x) || 1), 0), out);

/**
 * Of λ‖·‖∞: x clipped at the level with Σ (|xᵢ| − level)⁺ = λ, which is x less its projection onto the L1 ball of radius λ. The
 * level comes from Newton's method, which from 0 on climbs to the root of that convex function in finitely many rounds.
 */
const proxLinf: Prox = (x, lambda, out) => {
  const { sizes, ...above } = sizesOf(x);
  let { count, sum } = above;
  if (sum <= lambda) return scaled(x, 0, out);
  for (let level = 0; ;) {
    const next = (sum - lambda) / count;
    if (!(next > level)) return levelled(x, level, out);
    level = next;
    let kept = 0;
    sum = 0;
    for (let k = 0; k < count; k++) {
      const v = sizes[k]!;
      if (v <= level) continue;
      sum += v;
      sizes[kept++] = v; // the level rises: what is below it stays there
    }
    count = kept;
  }
};

/** The proximity operator of λ‖·‖ in the Euclidean metric; `out` may be x itself. */
export const prox = (
  x: Float32Array,
  lambda: number,
  norm: Norm,
  out?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => (norm === "l2" ? proxL2 : proxLinf)(x, lambda, out);

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
