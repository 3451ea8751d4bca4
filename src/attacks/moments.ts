/** The moments of Adam (Kingma and Ba, ICLR 2015). */

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

/** m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g². */
export const updated = ({ mean, square, count }: Moments, gradient: Float32Array): Moments => {
  const next = { mean: new Float32Array(mean.length), square: new Float32Array(mean.length), count: count + 1 };
  for (let i = 0; i < mean.length; i++) {
    const g = gradient[i]!;
    next.mean[i] = BETA1 * mean[i]! + (1 - BETA1) * g;
    next.square[i] = BETA2 * square[i]! + (1 - BETA2) * g ** 2;
  }
  return next;
};

/** √v̂ + 10⁻⁸: the diagonal metric in which Adam steps. */
export const metricOf = ({ square, count }: Moments): Float32Array<ArrayBuffer> => {
  const correction = 1 / (1 - BETA2 ** count);
  const metric = new Float32Array(square.length);
  for (let i = 0; i < metric.length; i++) metric[i] = Math.sqrt(square[i]! * correction) + TINY;
  return metric;
};

/** m̂/(√v̂ + 10⁻⁸): the step for a learning rate of 1, up the gradient. */
export const stepOf = (moments: Moments): Float32Array<ArrayBuffer> => {
  const { mean, count } = moments;
  const correction = 1 / (1 - BETA1 ** count);
  const step = metricOf(moments);
  for (let i = 0; i < step.length; i++) step[i] = (mean[i]! * correction) / step[i]!;
  return step;
};
