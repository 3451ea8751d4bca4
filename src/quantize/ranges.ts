/** The range of an activation's 256 levels, from its histogram. */

import { affineOf, dequantizeValue, quantizeValue, type Range } from "./affine.ts";
import type { Histogram } from "./histogram.ts";

type Bins = ReturnType<Histogram["bins"]>;

/** Mean squared error of quantising a histogram's values, each taken as the middle of its bin, with that range. */
export const quantizationError = (bins: Bins, range: Range): number => {
  const affine = affineOf(range);
  let error = 0;
  let total = 0;
  for (const { middle, count } of bins) {
    error += count * (middle - dequantizeValue(affine, quantizeValue(affine, middle))) ** 2;
    total += count;
  }
  return total === 0 ? 0 : error / total;
};

/** Shares of the extremes on the initial grid, and the step of the refinement. */
const COARSE = Array.from({ length: 16 }, (_, i) => 1 - i / 16);
const FINEST = 1 / 512;

/**
 * The range of least mean squared error: rounding inside against clipping outside (Nagel et al. 2021, A white paper on
 * neural network quantization, 3.1). It lies within the extremes and contains 0. The search runs on a grid of shares of both ends and is
 * refined in halving steps. The extremes themselves are candidates, so the result is never worse than they are.
 */
export const leastErrorRange = (histogram: Histogram): Range => {
  const { low, high } = histogram.extremes;
  const bins = histogram.bins();
  const ends: Range = { low: Math.min(low, 0), high: Math.max(high, 0) };
  const rangeAt = (a: number, b: number): Range => ({ low: a * ends.low, high: b * ends.high });
  const sharesOf = (end: number): readonly number[] => (end === 0 ? [1] : COARSE);
  let best = { a: 1, b: 1, error: quantizationError(bins, ends) };
  const consider = (a: number, b: number): void => {
    if (a <= 0 || b <= 0 || a > 1 || b > 1) return;
    const error = quantizationError(bins, rangeAt(a, b));
    if (error < best.error) best = { a, b, error };
  };
  for (const a of sharesOf(ends.low)) for (const b of sharesOf(ends.high)) consider(a, b);
  for (let step = 1 / 32; step >= FINEST; step /= 2) {
    const { a, b } = best;
    for (const da of [-step, 0, step]) for (const db of [-step, 0, step]) consider(a + da, b + db);
  }
  return rangeAt(best.a, best.b);
};
