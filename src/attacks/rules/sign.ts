/** Steps along the sign of the gradient: FGSM, iterative FGSM and PGD. */

import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { endsOf, requirePositive, type Constraint } from "../constraint.ts";
import { gradientOf, type Rule } from "../attack.ts";
import { startWithin } from "../start.ts";

/**
 * x + α·sign direction, projected onto a ball of L∞. The sign of 0 is 0, that of NaN is NaN; α is rounded to float32, as GPUs compute.
 *
 * @param moved where to put it, which may be one of the others.
 */
export const signStep = (
  direction: Float32Array,
  alpha: number,
  x: Float32Array,
  clean: Float32Array,
  { epsilon, pixelRange }: Constraint,
  moved: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> => {
  const step = Math.fround(alpha);
  const [low, high] = endsOf(pixelRange);
  inPieces([x, direction, clean], [moved], (count, [at, d, around]) => {
    loops().plusSign(count, at, step, d, at);
    loops().project(count, at, around, at, epsilon, low, high);
  });
  return moved;
};

export interface SignOptions {
  /** Step size in grey levels. */
  readonly alpha: number;
  /** Radius of the random start as a share of ε: 1 is PGD's, and 0, the default, starts at the image itself. */
  readonly start?: number | undefined;
}

/** The projection of x after a step of α along the gradient, in `out`, which may be the gradient. */
type Step = (
  gradient: Float32Array,
  alpha: number,
  x: Float32Array,
  clean: Float32Array,
  constraint: Constraint,
  out: Float32Array<ArrayBuffer>,
) => Float32Array<ArrayBuffer>;

/** x ← step(∇, α, x), from a random point of the ball or from the image itself. */
export const steppedRule = (kind: string, { alpha, start = 0 }: SignOptions, step: Step): Rule<null> => {
  requirePositive({ alpha });
  return {
    kind,
    parameters: { alpha },
    needs: "gradient",
    begin: ({ data }, constraint, random) => ({
      state: null,
      x: startWithin(start, data, constraint, random),
    }),
    next: (_, seen, x, { clean, constraint }) => {
      const gradient = gradientOf(seen, x.length);
      return { state: null, x: step(gradient, alpha, x, clean, constraint, gradient) };
    },
  };
};

/** x ← project(x + α·sign ∇). Goodfellow et al. 2015; Kurakin et al. 2017; with a random start, Madry et al. 2018. */
export const signRule = (options: SignOptions): Rule<null> => steppedRule("sign", options, signStep);
