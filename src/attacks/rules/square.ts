/** Random search over squares: Square Attack, by the value of an objective. */

import type { Rule } from "../attack.ts";
import { project, requirePositive } from "../constraint.ts";
import type { Random } from "../../random.ts";
import { integer } from "../../random.ts";

/** After so many of 10 000 queries the window's area is halved. */
const HALVED = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/** Side of the window in pixels, at a query of so many. */
export const sideAt = (share: number, query: number, queries: number, { height, width }: Size): number => {
  const at = Math.floor((query / queries) * 10_000);
  const area = share * height * width * 0.5 ** HALVED.filter((after) => at > after).length;
  return Math.min(Math.max(Math.round(Math.sqrt(area)), 1), height, width);
};

type Size = { readonly height: number; readonly width: number };

type SquareState = Size & {
  /** The best image so far and its value; null before the first query. */
  readonly best: Float32Array;
  readonly value: number | null;
};

const eitherSide = (random: Random, epsilon: number): number => (random() < 0.5 ? -epsilon : epsilon);

export interface SquareOptions {
  /** Share of the image that the first window covers. */
  readonly window: number;
}

/**
 * Square Attack in the L∞ ball (Andriushchenko et al., Square Attack: a Query-efficient Black-box Adversarial Attack via Random
 * Search, ECCV 2020). It starts with columns of x ± ε; each query replaces a random square of the best image, in each channel,
 * by x + ε or x − ε, and keeps it where the objective is larger. The paper's score is the margin of one label: for dense labels
 * it is the objective's value over all pixels. Each step is one query.
 */
export const squareRule = ({ window }: SquareOptions): Rule<SquareState> => {
  requirePositive({ window });
  return {
    kind: "square",
    parameters: { window },
    needs: "value",
    begin: ({ data, shape }, constraint, random) => {
      const [height, width] = [shape[1]!, shape[2]!];
      const columns = Float64Array.from({ length: data.length / height }, () => eitherSide(random, constraint.epsilon));
      const moved = data.map((v, i) => v + columns[Math.floor(i / (height * width)) * width + (i % width)]!);
      const x = project(moved, data, constraint);
      return { state: { height, width, best: x, value: null }, x };
    },
    next: (state, seen, x, { clean, constraint, step, steps, random }) => {
      const better = state.value === null || seen.value > state.value;
      const kept = better ? { ...state, best: x, value: seen.value } : state;
      if (step === steps) return { state: kept, x: kept.best as Float32Array<ArrayBuffer> };
      const next = random();
      const { height, width, best } = kept;
      const side = sideAt(window, step, steps, kept);
      const [top, left] = [integer(next, 0, height - side), integer(next, 0, width - side)];
      const moved = best.slice();
      for (let channel = 0; channel < 3; channel++) {
        const change = eitherSide(next, constraint.epsilon);
        for (let row = top; row < top + side; row++) {
          const from = (channel * height + row) * width + left;
          const own = moved.subarray(from, from + side);
          const centre = clean.subarray(from, from + side);
          for (let i = 0; i < side; i++) own[i] = centre[i]! + change;
          project(own, centre, constraint, own); // All else is the best image's, which lies within.
        }
      }
      return { state: kept, x: moved };
    },
    result: ({ best }) => best,
  };
};
