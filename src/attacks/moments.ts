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

/** The running means' memory. The loops add 10⁻⁸ to the square root (simd/adam.ts). */
export const [BETA1, BETA2] = [0.9, 0.999];

export const noMoments = (length: number): Moments => ({
  mean: new Float32Array(length),
  square: new Float32Array(length),
  count: 0,
});

/** 1/(1 − βⁿ) of both means, which undo their start at 0. */
export const correctionsAt = (count: number): readonly [number, number] => [
  1 / (1 - BETA1 ** count),
  1 / (1 - BETA2 ** count),
];

/**
 * m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g² in place, and m̂/(√v̂ + 10⁻⁸) in the place of the gradient: the step up it for a learning
 * rate of 1.
 *
 * @param at addresses of the pieces (`src/simd/pieces.ts`).
 * @param updates that there are with this one.
 */
export const adamLoop =
  (updates: number) =>
  (count: number, at: { readonly mean: number; readonly square: number; readonly gradient: number }): void => {
    const [correction1, correction2] = correctionsAt(updates);
    const { mean, square, gradient } = at;
    loops().adam(count, mean, square, gradient, BETA1, BETA2, correction1, correction2);
  };

/** The moments after a gradient, and the step up it, in an array of its own. */
export const adam = (
  { mean, square, count }: Moments,
  gradient: Float32Array,
): { readonly moments: Moments; readonly step: Float32Array<ArrayBuffer> } => {
  const like = () => new Float32Array(mean.length);
  const [first, second, step] = [like(), like(), like()];
  const loop = adamLoop(count + 1);
  inPieces([mean, square, gradient], [first, second, step], (piece, [m, v, g]) =>
    loop(piece, { mean: m, square: v, gradient: g }),
  );
  return { moments: { mean: first, square: second, count: count + 1 }, step };
};
