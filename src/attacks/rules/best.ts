/** The best of the images that an attack has evaluated. */

import type { Evaluation } from "../attack.ts";

/** An image and by what it is judged: the less, the better. */
export type Best = {
  readonly x: Float32Array;
  readonly score: number;
};

/** The share of the pixels that are left, or, where that is not known, the objective's value negated. */
const scoreOf = ({ remaining, value }: Evaluation): number => remaining ?? -value;

/** The first image that is evaluated. */
export const best = (seen: Evaluation, x: Float32Array): Best => ({ x, score: scoreOf(seen) });

/** The better of two images; of equals the later one, whose objective is most often higher. */
export const judge = (before: Best, seen: Evaluation, x: Float32Array): Best =>
  scoreOf(seen) <= before.score ? best(seen, x) : before;
