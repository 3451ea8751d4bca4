/** The range that the 256 levels of an activation span, chosen from its histogram. */

import { affineOf, dequantizeValue, quantizeValue, type Range } from "./affine.ts";
import type { Histogram } from "./histogram.ts";

type Bins = ReturnType<Histogram["bins"]>;

/**
 * Mean squared error of quantising the counted values with this range; each value is taken to be the middle of its bin.
 */
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

/** The fractions of the extremes on the coarse grid. */
const COARSE_FRACTIONS = Array.from({ length: 16 }, (_, i) => 1 - i / 16);
/** The last step of the refinement. */
const FINEST_STEP = 1 / 512;

/**
 * The range of least mean squared error, which balances rounding inside the range and clipping outside it (Nagel et al.
 * 2021, A white paper on neural network quantization, 3.1). It lies within the extremes and contains 0. The search takes
 * the best point of a grid of fractions of both extremes and refines it with steps that are halved. The extremes themselves
 * are a candidate, so the result is never worse than they are.
 */
export const leastErrorRange = (histogram: Histogram): Range => {
  const { low, high } = histogram.extremes;
  const bins = histogram.bins();
  const ends: Range = { low: Math.min(low, 0), high: Math.max(high, 0) };
  const rangeAt = (a: number, b: number): Range => ({ low: a * ends.low, high: b * ends.high });
  const fractionsOf = (end: number): readonly number[] => (end === 0 ? [1] : COARSE_FRACTIONS);
  let best = { a: 1, b: 1, error: quantizationError(bins, ends) };
  const consider = (a: number, b: number): void => {
    if (a <= 0 || b <= 0 || a > 1 || b > 1) return;
    const error = quantizationError(bins, rangeAt(a, b));
    if (error < best.error) best = { a, b, error };
  };
  for (const a of fractionsOf(ends.low)) for (const b of fractionsOf(ends.high)) consider(a, b);
  for (let step = 1 / 32; step >= FINEST_STEP; step /= 2) {
    const { a, b } = best;
    for (const da of [-step, 0, step]) for (const db of [-step, 0, step]) consider(a + da, b + db);
  }
  return rangeAt(best.a, best.b);
};
