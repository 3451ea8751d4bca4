/** Proximity operators of norms: prox(x) = argmin_z λ‖z‖ + ½ Σ hᵢ(zᵢ − xᵢ)². */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";
import { endsOf, type PixelRange } from "./constraint.ts";
import type { Norm } from "./norms.ts";

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

/** Σ h and Σ h·|x| over elements. */
type Pull = readonly [metric: number, weighted: number];

const pullAbove = (inside: Float32Array, x: Float32Array, h: Float32Array, level: number): Pull => {
  let [metric, weighted] = [0, 0];
  inPieces([inside, x, h], [], (count, [sizes, free, metrics], sums) => {
    loops().metricAbove(count, sizes, free, metrics, level);
    metric += sums[0]!;
    weighted += sums[1]!;
  });
  return [metric, weighted];
};

/** Steps of the bisection over all elements; those after them are over the elements between its ends alone. */
const COARSE = 10;
/** The length of the interval of levels at which the bisection ends. */
const TOLERANCE = 1e-7;

/** An interval of levels, and the pull of the elements whose sizes are above it. */
interface Bracket {
  readonly below: number;
  readonly above: number;
  readonly beyond: Pull;
}

/** The half of an interval in which Σ h·(|x| − level) over the sizes above it comes to λ. */
const halved = ({ below, above, beyond }: Bracket, lambda: number, pullAt: (level: number) => Pull): Bracket => {
  const middle = (below + above) / 2;
  const pull = pullAt(middle);
  return pull[1] - middle * pull[0] > lambda
    ? { below: middle, above, beyond }
    : { below, above: middle, beyond: pull };
};

/** The bisection to its end, over the elements between the ends of an interval, whose indices are kept in `between`. */
const bisected = (
  start: Bracket,
  [inside, x, h]: readonly [inside: Float32Array, x: Float32Array, h: Float32Array],
  lambda: number,
  between: Uint32Array,
): number => {
  let bracket = start;
  let count = 0;
  for (let i = 0; i < inside.length; i++) {
    const size = Math.abs(inside[i]!);
    if (size > bracket.below && size <= bracket.above) between[count++] = i;
  }
  const pullAt = (level: number): Pull => {
    let [metric, weighted] = bracket.beyond;
    for (let k = 0; k < count; k++) {
      const i = between[k]!;
      if (Math.abs(inside[i]!) <= level) continue;
      metric += h[i]!;
      weighted += h[i]! * Math.abs(x[i]!);
    }
    return [metric, weighted];
  };
  while (bracket.above - bracket.below > TOLERANCE) {
    bracket = halved(bracket, lambda, pullAt);
    let kept = 0;
    for (let k = 0; k < count; k++) {
      const size = Math.abs(inside[between[k]!]!);
      if (size > bracket.below && size <= bracket.above) between[kept++] = between[k]!;
    }
    count = kept;
  }
  return (bracket.below + bracket.above) / 2;
};

export interface ProxOptions {
  /** Where the result is put; default a new array. */
  readonly inside?: Float32Array<ArrayBuffer>;
  /** Of x's length, overwritten; default a new array. */
  readonly room?: Uint32Array;
}

/**
 * The proximity operator of λ‖·‖∞ in the diagonal metric h, restricted to the box low ≤ z ≤ high, which contains 0: x, projected
 * onto the box and clipped at the level where Σ hᵢ(|xᵢ| − level) = λ over the elements that are clipped. The sum falls as the level
 * rises, so that the level is found by bisection, to 10⁻⁷.
 */
export const proxLinfInBox = (
  x: Float32Array,
  lambda: number,
  metric: Float32Array,
  low: Float32Array,
  high: Float32Array,
  { inside = new Float32Array(x.length), room = new Uint32Array(x.length) }: ProxOptions = {},
): Float32Array<ArrayBuffer> => {
  let [largest, whole] = [0, 0];
  inPieces([x, low, high, metric], [inside], (count, [at, low, high, metric], sums) => {
    largest = Math.max(largest, loops().clipToBox(count, at, low, high, metric)); // a NaN stays
    whole += sums[0]!;
  });
  if (whole <= lambda) return inside.fill(0);
  let bracket: Bracket = { below: 0, above: largest, beyond: [0, 0] };
  for (let k = 0; k < COARSE && bracket.above - bracket.below > TOLERANCE; k++)
    bracket = halved(bracket, lambda, (level) => pullAbove(inside, x, metric, level));
  const level = bisected(bracket, [inside, x, metric], lambda, room);
  inPieces([inside], [inside], (count, [at]) => loops().clip(count, at, level));
  return inside;
};

/** In `image`, clean + 255·δ within the range of pixels: the image of a perturbation in units of the whole range. */
export const imageOf = (
  delta: Float32Array,
  clean: Float32Array,
  range: PixelRange,
  image: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => {
  const [low, high] = endsOf(range);
  inPieces([delta, clean], [image], (count, [at, around]) => {
    loops().plus(count, around, 255, at, at);
    loops().project(count, at, around, at, Infinity, low, high);
  });
  return image;
};
