/** Fast minimum norm. */

import { gradientOf, type Clock, type Rule } from "../attack.ts";
import { endsOf, project, type Constraint } from "../constraint.ts";
import { distanceOf, dualNormOf, normOf, type Norm } from "../norms.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Goal, type Smallest } from "../smallest.ts";
import { alongUnit } from "./l2.ts";

type FmnState = {
  /** Radius of the ball that the next image is projected onto; Infinity at first. */
  readonly radius: number;
  readonly best: Smallest;
};

/** From `first` at the first step to `last` after the last one, along half a cosine. */
export const annealed = (first: number, last: number, { step, steps }: Clock): number =>
  last + ((first - last) * (1 + Math.cos((Math.PI * (step - 1)) / steps))) / 2;

/** The radius, where a perturbation within the range of pixels can be as long; else the largest norm that one can have. */
export const withinReach = (radius: number, clean: Float32Array, constraint: Constraint, norm: Norm): number => {
  const [low, high] = endsOf(constraint.pixelRange);
  // Whatever the image, each value can move by half of the range.
  const always = ((high - low) / 2) * (norm === "l2" ? Math.sqrt(clean.length) : 1);
  return radius <= always ? radius : Math.min(radius, furthestIn(clean, constraint, norm));
};

const furthestIn = (clean: Float32Array, { pixelRange }: Constraint, norm: Norm): number => {
  if (!pixelRange) return Infinity;
  const [low, high] = pixelRange;
  const furthest = new Float64Array(clean.length);
  for (let i = 0; i < furthest.length; i++) furthest[i] = Math.max(clean[i]! - low, high - clean[i]!);
  return normOf(furthest, norm);
};

/** First length of the steps in the L2 norm, in grey levels: published as 1 and 10 of the whole range. */
const firstStep: Readonly<Record<Norm, number>> = { l2: 255, linf: 2550 };

/**
 * δ ← δ + α·∇/‖∇‖₂, projected onto the ball of radius ρ (Pintor et al., Fast Minimum-norm Adversarial Attacks through Adaptive
 * Norm Constraints, NeurIPS 2021). Until a first success ρ is the distance to the boundary as the gradient predicts it,
 * ‖δ‖ + |value|/‖∇‖*, with the dual norm, but at least (1 + γ)·‖δ‖; then it shrinks by γ after a success and grows by γ else. α
 * falls by a cosine to a hundredth of its first value, γ from 0.05 to 0.001. The value has to be 0 at the boundary of success: a
 * sum of hinges is, where a sum of margins would be 0 as soon as half of the pixels are moved.
 */
export const fmnRule = (goal: Goal): Rule<FmnState> => {
  requireSuccess(goal.success);
  const { norm, success } = goal;
  return {
    kind: `fmn-${norm}`,
    parameters: { success },
    needs: "gradient",
    begin: ({ data }) => ({ state: { radius: Infinity, best: nothingYet(data) }, x: data }),
    next: (state, seen, x, { clean, constraint, ...at }) => {
      const best = smallerOf(state.best, seen, x, clean, goal);
      const gradient = gradientOf(seen, x.length);
      const rate = annealed(0.05, 0.001, at);
      const size = distanceOf(x, clean, norm);
      const predicted = size + Math.abs(seen.value) / Math.max(dualNormOf(gradient, norm), 1e-30);
      const next = succeeds(seen, goal)
        ? Math.min(state.radius * (1 - rate), best.size)
        : best.found
          ? state.radius * (1 + rate)
          : Math.max(predicted, size * (1 + rate));
      const radius = withinReach(next, clean, constraint, norm);
      const moved = alongUnit(gradient, annealed(firstStep[norm], firstStep[norm] / 100, at), x, gradient);
      return {
        state: { radius, best },
        x: project(moved, clean, { epsilon: radius, pixelRange: constraint.pixelRange, norm }, moved),
      };
    },
    result: ({ best }) => best.x,
  };
};
