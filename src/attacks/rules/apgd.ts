/** Steps of a size that follows the progress: APGD, in one stage or in several of shrinking radius. */

import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { gradientOf, type Evaluation, type Order, type Rule } from "../attack.ts";
import { project, within, type Constraint } from "../constraint.ts";
import { startWithin } from "../start.ts";
import { apgdPilot, stepsOfStages, type Pace, type Stage } from "./apgd-pace.ts";

/** Weights of the step and of the change before it. */
const [STEP, MOMENTUM] = [0.75, 0.25];

const single: readonly Stage[] = [{ radius: 1, share: 1 }];

/** SEA's: 3 : 3 : 4 of the steps within 2ε, 1.5ε and ε. */
export const shrinking: readonly Stage[] = [
  { radius: 2, share: 0.3 },
  { radius: 1.5, share: 0.3 },
  { radius: 1, share: 0.4 },
];

export interface ApgdOptions {
  /** Radius of the random start as a share of that of the first stage; default 0: the image itself. */
  readonly start?: number | undefined;
  /** Default one stage within ε; the last one has to be within ε. */
  readonly stages?: readonly Stage[] | undefined;
}

/** The images that a stage goes on with. */
type Kept = {
  /** Where the last step started. */
  readonly previous: Float32Array;
  /** Where the objective was largest, and its gradient there. */
  readonly highest: Float32Array;
  readonly gradient: Float32Array;
  /** The stage's result so far. */
  readonly best: Float32Array;
};

type ApgdState = {
  readonly pace: Pace;
  /** Null before the stage's first evaluation. */
  readonly kept: Kept | null;
};

/** What is kept once an image is evaluated. */
const keeping = (kept: Kept | null, { isHighest, isBest }: Order, seen: Evaluation, x: Float32Array): Kept => {
  const before = kept ?? { previous: x, highest: x, gradient: x, best: x };
  return {
    ...before,
    ...(isHighest && { highest: x, gradient: gradientOf(seen, x.length) }),
    ...(isBest && { best: x }),
  };
};

/** z = P(x + η·sign g), then P(x + 0.75·(z − x) + 0.25·(x − x₋₁)); the first step of a stage is z itself. */
const moved = (
  { size, isFirst }: Extract<Order["move"], { kind: "step" }>,
  x: Float32Array,
  gradient: Float32Array,
  previous: Float32Array,
  clean: Float32Array,
  constraint: Constraint,
): Float32Array<ArrayBuffer> => {
  const moved = new Float32Array(x.length);
  const { epsilon, pixelRange } = constraint;
  const [low, high] = pixelRange ?? [-Infinity, Infinity];
  inPieces([x, gradient, clean, previous], [moved], (count, [at, z, around, before]) => {
    loops().plusSign(count, at, Math.fround(size), z, z);
    loops().project(count, z, around, isFirst ? at : z, epsilon, low, high);
    if (isFirst) return;
    loops().blend(count, at, STEP, z, MOMENTUM, before, at);
    loops().project(count, at, around, at, epsilon, low, high);
  });
  return moved;
};

/**
 * APGD (Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, ICML
 * 2020) in the L∞ ball: momentum, and a step size that starts at 2ε and is halved at checkpoints where the objective does not
 * progress; then it goes on from where the objective was largest. Its result is the evaluated image with the fewest pixels
 * left, the later of equals, or, where those are not known, with the largest value.
 *
 * In stages it is APGD of Croce et al. (Towards Reliable Evaluation and Fast Training of Robust Semantic Segmentation Models,
 * ECCV 2024): each stage starts from the projection of the last one's result.
 */
export const apgdRule = ({ start = 0, stages = single }: ApgdOptions = {}): Rule<ApgdState> => {
  const pilot = apgdPilot(stages);
  return {
    kind: "apgd",
    parameters: { start, stages: stages.length },
    needs: "gradient",
    judged: stages.length,
    lastStage: (evaluations) => 1 + stepsOfStages(stages, evaluations - stages.length).at(-1)!,
    pilot,
    begin: ({ data }, constraint, random) => ({
      state: { pace: pilot.begin, kept: null },
      x: startWithin(start, data, within(constraint, stages[0]!.radius), random),
    }),
    next: (state, seen, x, around) => {
      const { pace, order, clock } = pilot.decide(state.pace, seen, around, around.constraint.epsilon);
      const kept = keeping(state.kept, order, seen, x);
      const ball = within(around.constraint, stages[order.ball]!.radius);
      const { move } = order;
      if (move.kind === "end") return { state: { pace, kept }, x: Float32Array.from(kept.best) };
      if (move.kind === "restart")
        return { state: { pace, kept: null }, x: project(kept.best, around.clean, ball), clock };
      const isBack = move.from === "highest";
      const from = isBack ? kept.highest : x;
      const gradient = isBack ? kept.gradient : gradientOf(seen, x.length);
      return {
        state: { pace, kept: { ...kept, previous: from } },
        x: moved(move, from, gradient, kept.previous, around.clean, ball),
        clock,
      };
    },
    result: ({ kept }, x) => (kept ? Float32Array.from(kept.best) : x),
  };
};
