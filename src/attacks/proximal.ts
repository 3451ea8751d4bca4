/** Proximity operators of norms: prox(x) = argmin_z λ‖z‖ + ½ Σ hᵢ(zᵢ − xᵢ)². */

import { l1, l2, linf, type Norm } from "./norms.ts";
import { scaled } from "./vectors.ts";

/** Every value clipped to ±level. */
const levelled = (x: Float32Array, level: number, out = new Float32Array(x.length)): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(x[i]!, -level), level);
  return out;
};

type Prox = (x: Float32Array, lambda: number, out?: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>;

/** Of λ‖·‖₂: x shortened by λ, or 0. */
const proxL2: Prox = (x, lambda, out) => scaled(x, Math.max(1 - lambda / (l2(x) || 1), 0), out);

/**
 * Of λ‖·‖∞: x clipped at the level with Σ (|xᵢ| − level)⁺ = λ, which is x less its projection onto the L1 ball of radius λ. The
 * level comes from Newton's method, which from 0 on climbs to the root of that convex function in finitely many rounds.
 */
const proxLinf: Prox = (x, lambda, out) => {
  if (l1(x) <= lambda) return scaled(x, 0, out);
  const above = new Float32Array(x.length);
  for (let i = 0; i < above.length; i++) above[i] = Math.abs(x[i]!);
  for (let [level, count] = [0, above.length]; ;) {
    let [sum, kept] = [0, 0];
    for (let k = 0; k < count; k++) {
      const v = above[k]!;
      if (v <= level) continue;
      sum += v;
      above[kept++] = v; // the level rises: what is below it stays there
    }
    count = kept;
    const next = (sum - lambda) / count;
    if (!(next > level)) return levelled(x, level, out);
    level = next;
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
  /** Of the elements that may be clipped: |x| in the box, |x| and h. */
  const [sizes, free, metrics] = [new Float32Array(x.length), new Float32Array(x.length), new Float32Array(x.length)];
  for (let i = 0; i < x.length; i++) {
    inside[i] = Math.min(Math.max(x[i]!, low[i]!), high[i]!);
    sizes[i] = Math.abs(inside[i]!);
    free[i] = Math.abs(x[i]!);
    metrics[i] = metric[i]!;
  }
  let count = x.length;
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
  let [below, above] = [0, linf(inside)];
  if (pull(0) <= lambda) return new Float32Array(x.length);
  while (above - below > tolerance) {
    const middle = (below + above) / 2;
    if (pull(middle) > lambda) {
      below = middle;
      keepAbove(below);
    } else above = middle;
  }
  return levelled(inside, (below + above) / 2);
};
