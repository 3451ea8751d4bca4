import { ascend, sign, type Attack, type Ball } from "./attack.ts";

/** n(ε) = max(⌈min(ε + 4, 1.25 ε)⌉, 1): the paper's number of iterations at α = 1. */
export const paperSteps = (epsilon: number): number => Math.max(Math.ceil(Math.min(epsilon + 4, 1.25 * epsilon)), 1);

export interface IterativeOptions extends Ball {
  /** Step size in grey levels; the paper's is 1. */
  readonly alpha?: number;
  /** Default: the paper's n(ε). */
  readonly steps?: number;
}

/**
 * Iterative FGSM (Kurakin et al. 2017), from the image itself: x ← clip(x + α·sign ∇, x₀ ± ε). On the least-likely objective
 * it is Iterative FGSM II.
 */
export const ifgsm = ({ epsilon, pixelRange, alpha = 1, steps = paperSteps(epsilon) }: IterativeOptions): Attack =>
  ascend({ epsilon, pixelRange, alpha, steps, direction: sign });
