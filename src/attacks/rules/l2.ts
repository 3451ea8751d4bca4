/** Steps along the gradient itself: PGD in an L2 ball. */

import { gradientOf, type Rule } from "../attack.ts";
import { project, requirePositive } from "../constraint.ts";
import { l2 } from "../norms.ts";
import { startWithin } from "../start.ts";
import type { SignOptions } from "./sign.ts";

/** x + (α/‖d‖₂)·d; a direction of zeros moves nothing. */
export const alongUnit = (direction: Float32Array, alpha: number, x: Float32Array): Float32Array<ArrayBuffer> => {
  const scale = alpha / (l2(direction) || 1);
  const moved = new Float32Array(x.length);
  for (let i = 0; i < moved.length; i++) moved[i] = x[i]! + scale * direction[i]!;
  return moved;
};

/** x ← project(x + α·∇/‖∇‖₂), α in grey levels of the L2 norm over all values (Madry et al. 2018). */
export const l2Rule = ({ alpha, start = 0 }: SignOptions): Rule<null> => {
  requirePositive({ alpha });
  return {
    kind: "l2",
    parameters: { alpha },
    needs: "gradient",
    begin: ({ data }, constraint, random) => ({
      state: null,
      x: startWithin(start, data, constraint, random),
    }),
    next: (_, seen, x, { clean, constraint }) => {
      const moved = alongUnit(gradientOf(seen, x.length), alpha, x);
      return { state: null, x: project(moved, clean, constraint, moved) };
    },
  };
};
