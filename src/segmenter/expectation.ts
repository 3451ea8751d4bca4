/** Expectation over transformation (Athalye et al. 2018): the mean of an objective over draws. */

import type { Tensor } from "../tensor.ts";

/** What is averaged of an evaluation; the rest is the first draw's. */
interface Averaged {
  readonly gradient?: Tensor<"float32">;
  readonly value: number;
  readonly loss: number;
  readonly perPixel?: Tensor<"float32"> | undefined;
}

/** In place: what an evaluation gives is the caller's. */
const add = (sum: Tensor<"float32"> | undefined, other: Tensor<"float32"> | undefined): void => {
  if (sum && other) for (let i = 0; i < sum.data.length; i++) sum.data[i]! += other.data[i]!;
};

const divide = (sum: Tensor<"float32"> | undefined, by: number): void => {
  if (sum) for (let i = 0; i < sum.data.length; i++) sum.data[i]! /= by;
};

/** The mean over `draws` evaluations, one after the other, since each holds the backend; `sample` counts from 0. */
export const expectation = async <E extends Averaged>(
  draws: number,
  evaluate: (sample: number) => Promise<E>,
): Promise<E & { readonly runs: number }> => {
  const first = await evaluate(0);
  if (draws === 1) return { ...first, runs: 1 };
  let { value, loss } = first;
  for (let sample = 1; sample < draws; sample++) {
    const other = await evaluate(sample);
    value += other.value;
    loss += other.loss;
    add(first.gradient, other.gradient);
    add(first.perPixel, other.perPixel);
  }
  divide(first.gradient, draws);
  divide(first.perPixel, draws);
  return { ...first, value: value / draws, loss: loss / draws, runs: draws };
};
