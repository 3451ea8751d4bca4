/** The smallest radius at which an attack of fixed budget succeeds, by bisection. */

import { tensor } from "../../tensor.ts";
import type { Clock, Rule, State, Surroundings } from "../attack.ts";
import { requirePositive } from "../constraint.ts";
import type { Norm } from "../norms.ts";
import { phaseOf } from "../phases.ts";
import { nothingYet, requireSuccess, smallerOf, succeeds, type Goal, type Smallest } from "../smallest.ts";

export interface MinimalOptions extends Goal {
  /** How many radii are tried. */
  readonly bisections: number;
}

/** An attack for each radius. */
export interface Budgeted {
  readonly name: string;
  readonly of: (epsilon: number) => Rule;
}

type MinimalState = {
  readonly epsilon: number;
  /** The largest radius without a success, and the smallest with one; Infinity before there is one. */
  readonly low: number;
  readonly high: number;
  readonly succeeded: boolean;
  /** State of the attack at this radius. */
  readonly inner: State;
  readonly shape: readonly number[];
  readonly best: Smallest;
};

/** Grey levels a value. */
const FIRST = 8;

/** In L2, that of an image whose every value moves as far. */
const firstRadius = (norm: Norm, length: number): number => FIRST * (norm === "l2" ? Math.sqrt(length) : 1);

/** Where an objective that changes from step to step stands at the next evaluation: it counts each run's steps. */
const clockAfter = ({ step, steps }: Clock, bisections: number, shortest: number): Clock => {
  const next = phaseOf({ step: step + 1, steps }, bisections, shortest);
  const own = Math.max(next.steps - 1, 1);
  return { step: Math.min(next.step, own), steps: own };
};

/**
 * Runs of the attack, each from the clean image with another radius: twice the last while none has succeeded, and then halfway
 * between the largest that failed and the smallest that succeeded. A run of n evaluations takes n − 1 steps, so that where
 * they end is judged too. A bound on the radius bounds the radii that are tried.
 */
export const minimalRule = (attack: Budgeted, { norm, success, bisections }: MinimalOptions): Rule<MinimalState> => {
  requirePositive({ bisections });
  requireSuccess(success);
  const goal = { norm, success };
  const { needs, judged = 0 } = attack.of(FIRST);
  /** A step, and the evaluation where it ends, beside those that only judge. */
  const shortest = 2 + judged;
  return {
    kind: `minimal-${attack.name}-${norm}`,
    parameters: { success, bisections },
    needs,
    lastStage: (evaluations) => phaseOf({ step: evaluations, steps: evaluations }, bisections, shortest).steps,
    begin: (image, constraint, random) => {
      const { data, shape } = image;
      const epsilon = Math.min(firstRadius(norm, data.length), constraint.epsilon);
      const { state: inner, ...begun } = attack.of(epsilon).begin(image, { ...constraint, epsilon }, random);
      const best = nothingYet(data);
      return { ...begun, state: { epsilon, low: 0, high: Infinity, succeeded: false, inner, shape, best } };
    },
    next: (state, seen, x, around) => {
      const { clean, constraint, step, steps } = around;
      const best = smallerOf(state.best, seen, x, clean, goal);
      const succeeded = state.succeeded || succeeds(seen, goal);
      const phase = phaseOf({ step, steps }, bisections, shortest);
      const clock = clockAfter({ step, steps }, bisections, shortest);
      if (!phase.isLast) {
        const within = { ...constraint, epsilon: state.epsilon };
        const at: Surroundings = { ...around, step: phase.step, steps: phase.steps - 1, constraint: within };
        const moved = attack.of(state.epsilon).next(state.inner, seen, x, at);
        return { clock, ...moved, done: false, state: { ...state, succeeded, inner: moved.state, best } };
      }
      const high = succeeded ? Math.min(state.epsilon, state.high) : state.high;
      const low = succeeded ? state.low : Math.max(state.epsilon, state.low);
      const epsilon = Math.min(high < Infinity ? (low + high) / 2 : 2 * state.epsilon, constraint.epsilon);
      const image = tensor("float32", state.shape, Float32Array.from(clean));
      const { state: inner, ...begun } = attack.of(epsilon).begin(image, { ...constraint, epsilon }, around.random());
      return { ...begun, clock, state: { ...state, epsilon, low, high, succeeded: false, inner, best } };
    },
    result: ({ best }) => best.x,
  };
};
