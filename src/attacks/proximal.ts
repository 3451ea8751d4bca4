/** Proximity operators of norms: prox(x) = argmin_z λ‖z‖ + ½ Σ hᵢ(zᵢ − xᵢ)². */

import { l1, l2, linf, type Norm } from "./norms.ts";
import { scaled } from "./vectors.ts";

/** Every value clipped to ±level. */
const levelled = (x: Float32Array, level: number): Float32Array<ArrayBuffer> => {
  const clipped = new Float32Array(x.length);
  for (let i = 0; i < clipped.length; i++) clipped[i] = Math.min(Math.max(x[i]!, -level), level);
  return clipped;
};

/** Of λ‖·‖₂: x shortened by λ, or 0. */
const proxL2 = (x: Float32Array, lambda: number): Float32Array<ArrayBuffer> => {
  return scaled(x, Math.max(1 - lambda / (l2(x) || 1), 0));
};

/**
 * Of λ‖·‖∞: x clipped at the level with Σ (|xᵢ| − level)⁺ = λ, which is x less its projection onto the L1 ball of radius λ. The
 * level comes from Newton's method, which from 0 on climbs to the root of that convex function in finitely many rounds.
 */
const proxLinf = (x: Float32Array, lambda: number): Float32Array<ArrayBuffer> => {
  if (l1(x) <= lambda) return new Float32Array(x.length);
  for (let level = 0; ;) {
    let [sum, count] = [0, 0];
    for (let i = 0; i < x.length; i++) {
      const v = Math.abs(x[i]!);
      if (v <= level) continue;
      sum += v;
      count += 1;
    }
    const next = (sum - lambda) / count;
    if (!(next > level)) return levelled(x, level);
    level = next;
  }
};

/** The proximity operator of λ‖·‖ in the Euclidean metric. */
export const prox = (x: Float32Array, lambda: number, norm: Norm): Float32Array<ArrayBuffer> =>
  (norm === "l2" ? proxL2 : proxLinf)(x, lambda);

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
  for (let i = 0; i < x.length; i++) inside[i] = Math.min(Math.max(x[i]!, low[i]!), high[i]!);
  /** The elements that may be clipped: those above the largest level that is known to be too low. */
  const clipped = new Int32Array(x.length);
  for (let i = 0; i < clipped.length; i++) clipped[i] = i;
  let count = x.length;
  const keepAbove = (level: number): void => {
    let kept = 0;
    for (let k = 0; k < count; k++) if (Math.abs(inside[clipped[k]!]!) > level) clipped[kept++] = clipped[k]!;
    count = kept;
  };
  const pull = (level: number): number => {
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const i = clipped[k]!;
      if (Math.abs(inside[i]!) > level) sum += metric[i]! * (Math.abs(x[i]!) - level);
    }
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
