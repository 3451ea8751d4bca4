/** A random step, then a step along the sign of the gradient: R-FGSM. */

import { gradientOf, type Rule } from "../attack.ts";
import { project, requirePositive } from "../constraint.ts";
import { signStep } from "./sign.ts";

/**
 * x′ = x + α·sign N(0, I), then x′ + (ε − α)·sign ∇L(x′): RAND+FGSM of Tramèr et al. (Ensemble Adversarial Training, ICLR 2018).
 * Both steps together are at most ε.
 *
 * @throws RangeError where α is not below ε.
 */
export const randomFgsmRule = ({ alpha, epsilon }: Readonly<Record<"alpha" | "epsilon", number>>): Rule<null> => {
  requirePositive({ alpha });
  if (!(alpha < epsilon)) throw new RangeError(`alpha must be below epsilon, which is ${epsilon}; it is ${alpha}`);
  return {
    kind: "random-fgsm",
    parameters: { alpha },
    needs: "gradient",
    begin: ({ data }, constraint, random) => {
      const moved = new Float32Array(data.length);
      for (let i = 0; i < moved.length; i++) moved[i] = data[i]! + (random() < 0.5 ? -alpha : alpha);
      return { state: null, x: project(moved, data, constraint, moved) };
    },
    next: (_, seen, x, { clean, constraint }) => {
      const gradient = gradientOf(seen, x.length);
      return { state: null, x: signStep(gradient, epsilon - alpha, x, clean, constraint, gradient) };
    },
  };
};
