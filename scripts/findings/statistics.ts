/** Rank correlation, and the interval of a statistic over few images. */

import { quantileOf, type Interval } from "../../src/report/bootstrap.ts";

/** Ranks from 1, ties shared (Spearman 1904). */
export const ranksOf = (values: readonly number[]): number[] =>
  values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const same = values.filter((other) => other === value).length;
    return below + (same + 1) / 2;
  });

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The correlation of the ranks; NaN where one side is constant. */
export const spearman = (x: readonly number[], y: readonly number[]): number => {
  const [a, b] = [ranksOf(x), ranksOf(y)];
  const [ma, mb] = [mean(a), mean(b)];
  const cross = mean(a.map((value, i) => (value - ma) * (b[i]! - mb)));
  const [va, vb] = [mean(a.map((value) => (value - ma) ** 2)), mean(b.map((value) => (value - mb) ** 2))];
  return cross / Math.sqrt(va * vb);
};

/** Of all pairs, the share that two lists put in the same order; a tie counts as half. */
export const concordance = (x: readonly number[], y: readonly number[]): number => {
  const pairs = x.flatMap((_, i) => x.slice(i + 1).map((_other, k) => [i, i + 1 + k] as const));
  return mean(pairs.map(([i, j]) => (1 + Math.sign((x[i]! - x[j]!) * (y[i]! - y[j]!))) / 2));
};

/** The 97.5 % quantiles of Student's t, of 1 to 30 degrees of freedom. */
const T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;
const Z = 1.96;

/** Φ(−x) for x ≥ 0 (Abramowitz, Stegun 1964, 26.2.17; error below 7.5e-8). */
const upperTail = (x: number): number => {
  const t = 1 / (1 + 0.231_641_9 * x);
  const series = [0.319_381_53, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
  const sum = series.reduceRight((inner, factor) => t * (factor + inner), 0);
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
};

/**
 * The share that a percentile interval over n images leaves out on each side so that it holds 95 %: the bootstrap of few values is
 * too narrow by √((n − 1)/n) and takes the normal distribution for Student's (the expanded percentile interval, Hesterberg 2015).
 */
export const tailOf = (n: number): number => upperTail(Math.sqrt(n / (n - 1)) * (T[n - 2] ?? Z));

/** Null where nothing is defined, or fewer than two images are there. */
export const expandedInterval = (values: Float64Array, n: number): Interval | null => {
  const defined = values.filter((value) => !Number.isNaN(value)).toSorted();
  if (defined.length === 0 || n < 2) return null;
  const tail = tailOf(n);
  return { low: quantileOf(defined, tail), high: quantileOf(defined, 1 - tail) };
};
