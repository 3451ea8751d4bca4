import { random } from "../random.ts";
import { ascend, sign, type Attack } from "./attack.ts";
import { paperSteps, type IterativeOptions } from "./ifgsm.ts";

export interface PgdOptions extends IterativeOptions {
  /** Of the random start; the same seed gives the same start on every backend. */
  readonly seed: number;
}

/** PGD (Madry et al. 2018): iterative FGSM from a uniformly random point of the ε-ball. */
export const pgd = ({ epsilon, pixelRange, seed, alpha = 1, steps = paperSteps(epsilon) }: PgdOptions): Attack =>
  ascend({
    epsilon,
    pixelRange,
    alpha,
    steps,
    direction: sign,
    start: (image) => {
      const draw = random(seed);
      return image.map((v) => v + epsilon * (2 * draw() - 1));
    },
  });
