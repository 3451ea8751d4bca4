/** The moments of Adam (Kingma and Ba, ICLR 2015). */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";

/** Running means of the gradient and of its square, without the correction of their start at 0. */
export type Moments = {
  readonly mean: Float32Array;
  readonly square: Float32Array;
  /** Updates so far. */
  readonly count: number;
};

const [BETA1, BETA2, TINY] = [0.9, 0.999, 1e-8];

export const noMoments = (length: number): Moments => ({
  mean: new Float32Array(length),
  square: new Float32Array(length),
  count: 0,
});

/**
 * m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g², and the step for a learning rate of 1, up the gradient: m̂/(√v̂ + 10⁻⁸), in an array of
 * its own.
 */
export const adam = (
  { mean, square, count }: Moments,
  gradient: Float32Array,
): { readonly moments: Moments; readonly step: Float32Array<ArrayBuffer> } => {
  const [first, second, step] = [
    new Float32Array(mean.length),
    new Float32Array(mean.length),
    new Float32Array(mean.length),
  ];
  const [correction1, correction2] = [1 / (1 - BETA1 ** (count + 1)), 1 / (1 - BETA2 ** (count + 1))];
  inPieces([mean, square, gradient], [first, second, step], (piece) =>
    loops().adam(piece, BETA1, BETA2, correction1, correction2),
  );
  return { moments: { mean: first, square: second, count: count + 1 }, step };
};
/** m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g². */
export const updated = ({ mean, square, count }: Moments, gradient: Float32Array): Moments => {
  const [first, second] = [new Float32Array(mean.length), new Float32Array(mean.length)];
  for (let i = 0; i < first.length; i++) {
    const g = gradient[i]!;
    first[i] = BETA1 * mean[i]! + (1 - BETA1) * g;
    second[i] = BETA2 * square[i]! + (1 - BETA2) * g ** 2;
  }
  return { mean: first, square: second, count: count + 1 };
};

/** √v̂ + 10⁻⁸: the diagonal metric in which Adam steps. */
export const metricOf = ({ square, count }: Moments): Float32Array<ArrayBuffer> => {
  const correction = 1 / (1 - BETA2 ** count);
  const metric = new Float32Array(square.length);
  for (let i = 0; i < metric.length; i++) metric[i] = Math.sqrt(square[i]! * correction) + TINY;
  return metric;
};

/**
 * m̂/(√v̂ + 10⁻⁸): the step for a learning rate of 1, up the gradient.
 *
 * @param metric of the same moments; it is not changed.
 */
export const stepIn = ({ mean, count }: Moments, metric: Float32Array): Float32Array<ArrayBuffer> => {
  const correction = 1 / (1 - BETA1 ** count);
  const step = new Float32Array(metric.length);
  for (let i = 0; i < step.length; i++) step[i] = (mean[i]! * correction) / metric[i]!;
  return step;
};

/** The same, where the metric is not needed for itself. */
export const stepOf = ({ mean, square, count }: Moments): Float32Array<ArrayBuffer> => {
  const [first, second] = [1 / (1 - BETA1 ** count), 1 / (1 - BETA2 ** count)];
  const step = new Float32Array(mean.length);
  for (let i = 0; i < step.length; i++)
    step[i] = (mean[i]! * first) / Math.fround(Math.sqrt(square[i]! * second) + TINY);
  return step;
};
