/** Dense adversary generation. */

import { gradientOf, type Rule } from "../attack.ts";
import { endsOf, project, requirePositive, withinRange, type PixelRange } from "../constraint.ts";
import { linf } from "../norms.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Smallest } from "../smallest.ts";
import { plus } from "../vectors.ts";

export interface DagOptions {
  /** γ, the largest change of a value in one step, in grey levels. */
  readonly alpha: number;
  readonly success: number;
}

type DagState = {
  /** The perturbation before it is clipped to the range of pixels. */
  readonly r: Float32Array<ArrayBuffer>;
  readonly best: Smallest;
};

/** In place, the gradient at clip(clean + r) with respect to r: 0 where it is clipped. */
const throughClip = (gradient: Float32Array, clean: Float32Array, r: Float32Array, range: PixelRange): void => {
  const [low, high] = endsOf(range);
  for (let i = 0; i < gradient.length; i++) {
    const v = clean[i]! + r[i]!;
    if (v < low || v > high) gradient[i] = 0;
  }
};

/**
 * r ← r + γ·∇/‖∇‖∞ until enough pixels are moved, where the objective is of the pixels that are not yet (Xie et al., Adversarial
 * Examples for Semantic Segmentation and Object Detection, ICCV 2017). It ends at the first success. Without one, its result
 * is the image that leaves the fewest pixels; the released code gives the clean image then.
 */
export const dagRule = ({ alpha, success }: DagOptions): Rule<DagState> => {
  requirePositive({ alpha });
  requireSuccess(success);
  const goal = { norm: "linf", success } as const;
  return {
    kind: "dag",
    parameters: { alpha, success },
    needs: "gradient",
    begin: ({ data }) => ({ state: { r: new Float32Array(data.length), best: nothingYet(data) }, x: data }),
    next: ({ r, best }, seen, x, { clean, constraint }) => {
      const found = smallerOf(best, seen, x, clean, goal);
      if (succeeds(seen, goal)) return { state: { r, best: found }, x: x as Float32Array<ArrayBuffer>, done: true };
      const gradient = gradientOf(seen, x.length);
      throughClip(gradient, clean, r, constraint.pixelRange);
      const scale = alpha / Math.max(linf(gradient), 1e-30);
      plus(r, scale, gradient, r);
      const next = plus(clean, 1, r, gradient);
      return { state: { r, best: found }, x: project(next, clean, withinRange(constraint), next) };
    },
    result: ({ best }) => best.x,
  };
};
