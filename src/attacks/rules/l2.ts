/** Steps along the gradient itself: PGD in an L2 ball. */

import type { Rule } from "../attack.ts";
import { project } from "../constraint.ts";
import { l2 } from "../norms.ts";
import { plus } from "../vectors.ts";
import { steppedRule, type SignOptions } from "./sign.ts";

/** x + (α/‖d‖₂)·d, in `out`, which may be d itself; a direction of zeros moves nothing. */
export const alongUnit = (
  direction: Float32Array,
  alpha: number,
  x: Float32Array,
  out: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => plus(x, alpha / (l2(direction) || 1), direction, out);

/** x ← project(x + α·∇/‖∇‖₂), α in grey levels of the L2 norm over all values (Madry et al. 2018). */
export const l2Rule = (options: SignOptions): Rule<null> =>
  steppedRule("l2", options, (gradient, alpha, x, clean, constraint, out) => {
    const moved = alongUnit(gradient, alpha, x, out);
    return project(moved, clean, constraint, moved);
  });
