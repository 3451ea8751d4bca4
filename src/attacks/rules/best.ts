/** The best of the images that an attack has evaluated. */

import type { Evaluation } from "../attack.ts";

/** The share of the pixels that are left, or, where that is not known, the objective's value negated: the less, the better. */
export const scoreOf = ({ remaining, value }: Evaluation): number => remaining ?? -value;

/** Whether an image is better than those before; of equals the later one is, whose objective is most often higher. */
export const isBetter = (seen: Evaluation, before: number): boolean => scoreOf(seen) <= before;

/** An image and by what it is judged. */
export type Best = {
  readonly x: Float32Array;
  readonly score: number;
};

/** The first image that is evaluated. */
export const best = (seen: Evaluation, x: Float32Array): Best => ({ x, score: scoreOf(seen) });

/** The better of two images. */
export const judge = (before: Best, seen: Evaluation, x: Float32Array): Best =>
  isBetter(seen, before.score) ? best(seen, x) : before;
