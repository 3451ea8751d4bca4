/** Decoupled direction and norm. */

import { normal } from "../../random.ts";
import { gradientOf, type Rule } from "../attack.ts";
import { project, withinRange } from "../constraint.ts";
import { l2 } from "../norms.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Smallest } from "../smallest.ts";
import { annealed, withinReach } from "./fmn.ts";

export interface DdnOptions {
  readonly success: number;
}

type DdnState = {
  /** Radius that the next perturbation is given, in grey levels of the L2 norm. */
  readonly radius: number;
  readonly best: Smallest;
};

/** Both in units of the whole range of grey levels, as published: a first radius of 1, and steps from 1 to 0.01. */
const WHOLE = 255;
/** γ, by which the radius shrinks after a success and grows after a failure. */
const RATE = 0.05;

/**
 * δ ← δ + α·∇/‖∇‖₂, then δ ← ρ·δ/‖δ‖₂, where the radius ρ shrinks by γ after a success and grows by γ else (Rony et al.,
 * Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses, CVPR 2019). α falls by a
 * cosine from 255 to 2.55 grey levels. A gradient of zeros gives way to a random direction, or, where enough pixels are moved, leaves the
 * direction as it is. Images are not rounded to whole grey levels, as the released code can do.
 */
export const ddnRule = ({ success }: DdnOptions): Rule<DdnState> => {
  requireSuccess(success);
  const goal = { norm: "l2", success } as const;
  return {
    kind: "ddn",
    parameters: { success },
    needs: "gradient",
    begin: ({ data }) => ({ state: { radius: WHOLE, best: nothingYet(data) }, x: data }),
    next: (state, seen, x, { clean, constraint, random, ...at }) => {
      const best = smallerOf(state.best, seen, x, clean, goal);
      const succeeded = succeeds(seen, goal);
      const radius = withinReach(state.radius * (succeeded ? 1 - RATE : 1 + RATE), clean, constraint, "l2");
      const gradient = gradientOf(seen, x.length);
      const next = random();
      const direction = l2(gradient) > 0 || succeeded ? gradient : gradient.map(() => normal(next));
      const scale = annealed(WHOLE, WHOLE / 100, at) / (l2(direction) || 1);
      let squares = 0;
      for (let i = 0; i < x.length; i++) {
        const moved = x[i]! - clean[i]! + scale * direction[i]!;
        squares += moved * moved;
      }
      const shrink = radius / (Math.sqrt(squares) || 1);
      const image = gradient;
      for (let i = 0; i < x.length; i++) image[i] = clean[i]! + shrink * (x[i]! - clean[i]! + scale * direction[i]!);
      return { state: { radius, best }, x: project(image, clean, withinRange(constraint), image) };
    },
    result: ({ best }) => best.x,
  };
};
