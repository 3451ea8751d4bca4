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
export const updated = ({ mean, square, count }: Moments, gradient: ArrayLike<number>): Moments => ({
  mean: mean.map((m, i) => BETA1 * m + (1 - BETA1) * gradient[i]!),
  square: square.map((v, i) => BETA2 * v + (1 - BETA2) * gradient[i]! ** 2),
  count: count + 1,
});

/** √v̂ + 10⁻⁸: the diagonal metric in which Adam steps. */
export const metricOf = ({ square, count }: Moments): Float32Array<ArrayBuffer> => {
  const correction = 1 / (1 - BETA2 ** count);
  return Float32Array.from(square, (v) => Math.sqrt(v * correction) + TINY);
};

/** m̂/(√v̂ + 10⁻⁸): the step for a learning rate of 1, up the gradient. */
export const stepOf = (moments: Moments): Float32Array<ArrayBuffer> => {
  const correction = 1 / (1 - BETA1 ** moments.count);
  const metric = metricOf(moments);
  return metric.map((h, i) => (moments.mean[i]! * correction) / h);
};
