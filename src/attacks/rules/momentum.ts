/** Steps along the sign of an accumulated gradient: MI-FGSM. */

import { gradientOf, type Rule } from "../attack.ts";
import { project, requirePositive } from "../constraint.ts";
import { l1 } from "../norms.ts";
import { along, sign } from "./sign.ts";

export interface MomentumOptions {
  /** Step size in grey levels. */
  readonly alpha: number;
  /** μ, the decay factor of the accumulated gradient; 0 is iterative FGSM. */
  readonly momentum: number;
}

/**
 * g ← μ·g + ∇/‖∇‖₁; x ← project(x + α·sign g), from g = 0 (Dong et al., Boosting Adversarial Attacks with Momentum, CVPR
 * 2018). A gradient of zeros adds nothing.
 */
export const momentumRule = ({ alpha, momentum }: MomentumOptions): Rule<Float32Array> => {
  requirePositive({ alpha });
  if (!(momentum >= 0 && Number.isFinite(momentum)))
    throw new RangeError(`momentum must be at least 0, is ${momentum}`);
  return {
    kind: "momentum",
    parameters: { alpha, momentum },
    needs: "gradient",
    begin: ({ data }) => ({ state: new Float32Array(data.length), x: data }),
    next: (accumulated, seen, x, { clean, constraint }) => {
      const data = gradientOf(seen, x.length);
      const scale = 1 / (l1(data) || 1);
      const state = accumulated.map((g, i) => momentum * g + scale * data[i]!);
      const moved = along(sign(state), alpha, x);
      return { state, x: project(moved, clean, constraint, moved) };
    },
  };
};
