/** Steps along the sign of an accumulated gradient: MI-FGSM and NI-FGSM. */

import { gradientOf, type Rule } from "../attack.ts";
import { requirePositive } from "../constraint.ts";
import { l1 } from "../norms.ts";
import { accumulate, plus } from "../vectors.ts";
import { signStep } from "./sign.ts";

export interface MomentumOptions {
  /** Step size in grey levels. */
  readonly alpha: number;
  /** μ, the decay factor of the accumulated gradient; 0 is iterative FGSM. */
  readonly momentum: number;
}

const requireMomentum = ({ alpha, momentum }: MomentumOptions): void => {
  requirePositive({ alpha });
  if (!(momentum >= 0 && Number.isFinite(momentum)))
    throw new RangeError(`momentum must be at least 0, is ${momentum}`);
};

/**
 * g ← μ·g + ∇/‖∇‖₁; x ← project(x + α·sign g), from g = 0 (Dong et al., Boosting Adversarial Attacks with Momentum, CVPR
 * 2018). A gradient of zeros adds nothing.
 */
export const momentumRule = ({ alpha, momentum }: MomentumOptions): Rule<Float32Array> => {
  requireMomentum({ alpha, momentum });
  return {
    kind: "momentum",
    parameters: { alpha, momentum },
    needs: "gradient",
    begin: ({ data }) => ({ state: new Float32Array(data.length), x: data }),
    next: (state, seen, x, { clean, constraint }) => {
      const gradient = gradientOf(seen, x.length);
      accumulate(state, momentum, gradient, 1 / (l1(gradient) || 1));
      return { state, x: signStep(state, alpha, x, clean, constraint, gradient) };
    },
  };
};

type NesterovState = {
  /** The iterate; what is evaluated lies ahead of it. */
  readonly at: Float32Array<ArrayBuffer>;
  readonly accumulated: Float32Array;
};

/**
 * g ← μ·g + ∇L(x + α·μ·g)/mean|∇L|; x ← project(x + α·sign g), from g = 0 (Lin et al., Nesterov Accelerated Gradient and Scale
 * Invariance for Adversarial Attacks, ICLR 2020). The paper writes ‖∇‖₁ and its code divides by the mean: with the sum, the
 * look-ahead of an image would be less than float32 resolves. The look-ahead is not projected. The result is x.
 */
export const nesterovRule = ({ alpha, momentum }: MomentumOptions): Rule<NesterovState> => {
  requireMomentum({ alpha, momentum });
  return {
    kind: "nesterov",
    parameters: { alpha, momentum },
    needs: "gradient",
    begin: ({ data }) => ({
      state: { at: Float32Array.from(data), accumulated: new Float32Array(data.length) },
      x: data,
    }),
    next: (state, seen, { length }, { clean, constraint }) => {
      const gradient = gradientOf(seen, length);
      const { at, accumulated } = state;
      accumulate(accumulated, momentum, gradient, length / (l1(gradient) || 1));
      signStep(accumulated, alpha, at, clean, constraint, at);
      return { state, x: plus(at, alpha * momentum, accumulated, gradient) };
    },
    result: ({ at }) => at,
  };
};
