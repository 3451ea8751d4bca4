/**
 * The bootstrap over images (Efron 1979): images are drawn with replacement, their counts are pooled, and the scores of the pool are
 * computed anew. Intervals are percentile intervals (Efron, Tibshirani 1993, chapter 13). All scores of one set of images come from the same
 * draws, so that differences between networks are paired.
 */

import { random } from "../random.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How often each of `n` images is drawn, in each of `replicates` draws of n images. */
export interface Draws {
  readonly n: number;
  readonly weights: readonly Uint16Array[];
}

/** Images of which none was drawn twice say nothing about their spread. */
export const MIN_IMAGES = 2;

export const drawImages = (n: number, replicates: number, seed: number): Draws => {
  const next = random(seed);
  const weights = Array.from({ length: replicates }, () => {
    const times = new Uint16Array(n);
    for (let i = 0; i < n; i++) times[Math.floor(next() * n)]! += 1;
    return times;
  });
  return { n, weights };
};

/** The p-quantile of ascending values, interpolated linearly (type 7 of Hyndman and Fan 1996). */
export const quantileOf = (ascending: ArrayLike<number>, p: number): number => {
  const at = (ascending.length - 1) * p;
  const [below, above] = [ascending[Math.floor(at)]!, ascending[Math.ceil(at)]!];
  // Unbounded distances have no difference to interpolate over.
  return below === above ? below : below + (at - Math.floor(at)) * (above - below);
};

/** The central share of the values; those that are undefined (NaN) are left out, and null is returned where none is defined. */
export const intervalOf = (values: Float64Array, level = 0.95): Interval | null => {
  const defined = values.filter((value) => !Number.isNaN(value)).toSorted();
  if (defined.length === 0) return null;
  return { low: quantileOf(defined, (1 - level) / 2), high: quantileOf(defined, (1 + level) / 2) };
};

/** Additions that the bootstrap of one report may make. */
const BUDGET = 5e8;
const MOST = 2000;
const FEWEST = 200;

/** Replicates for a report whose rows have so many counts in all: fewer where there are many, as the work is bounded. */
export const replicatesFor = (counts: number): number =>
  Math.round(Math.max(FEWEST, Math.min(MOST, BUDGET / Math.max(counts, 1))));
