/** Steps along the sign of the gradient: FGSM, iterative FGSM and PGD. */

import { project, requirePositive } from "../constraint.ts";
import { gradientOf, type Rule } from "../attack.ts";
import { startWithin } from "../start.ts";

/** Bit masks of a float32: all bits but the sign; those of 1; those of infinity. */
const [magnitude, one, infinity] = [0x7fffffff, 0x3f800000, 0x7f800000];

/**
 * sign ∇, 0 where the gradient is 0, NaN where it is NaN. It works on the bits: no branch depends on a sign, which the
 * processor could not predict.
 */
export const sign = (gradient: Float32Array): Float32Array<ArrayBuffer> => {
  const from = new Int32Array(gradient.buffer, gradient.byteOffset, gradient.length);
  const out = new Int32Array(gradient.length);
  for (let i = 0; i < out.length; i++) {
    const g = from[i]!;
    const size = g & magnitude;
    out[i] = size === 0 || size > infinity ? g : (g & ~magnitude) | one;
  }
  return new Float32Array(out.buffer);
};

/** x + α·direction, in the array of the direction. α is rounded to float32, as GPUs compute. */
export const along = (
  direction: Float32Array<ArrayBuffer>,
  alpha: number,
  x: Float32Array,
): Float32Array<ArrayBuffer> => {
  const step = Math.fround(alpha);
  for (let i = 0; i < direction.length; i++) direction[i] = x[i]! + step * direction[i]!;
  return direction;
};

export interface SignOptions {
  /** Step size in grey levels. */
  readonly alpha: number;
  /** Radius of the random start as a share of ε: 1 is PGD's, and 0, the default, starts at the image itself. */
  readonly start?: number | undefined;
}

/** α·direction of the gradient added to x, in an array of its own. */
type Step = (gradient: Float32Array, alpha: number, x: Float32Array) => Float32Array<ArrayBuffer>;

/** x ← project(step(∇, α, x)), from a random point of the ball or from the image itself. */
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
      const moved = step(gradientOf(seen, x.length), alpha, x);
      return { state: null, x: project(moved, clean, constraint, moved) };
    },
  };
};

/** x ← project(x + α·sign ∇). Goodfellow et al. 2015; Kurakin et al. 2017; with a random start, Madry et al. 2018. */
export const signRule = (options: SignOptions): Rule<null> =>
  steppedRule("sign", options, (gradient, alpha, x) => along(sign(gradient), alpha, x));
