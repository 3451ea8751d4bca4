/** Steps of a size that follows the progress: APGD, in one stage or in several of shrinking radius. */

import { loops } from "../../simd/loops.ts";
import { inPieces } from "../../simd/pieces.ts";
import { gradientOf, type Evaluation, type Order, type Rule } from "../attack.ts";
import { endsOf, project, within, type Constraint } from "../constraint.ts";
import type { Norm } from "../norms.ts";
import { startWithin } from "../start.ts";
import { apgdPilot, stepsOfStages, type Pace, type Stage } from "./apgd-pace.ts";
import { alongUnit } from "./l2.ts";

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
  /** Of the ball, and so of the steps. Default L∞. */
  readonly norm?: Norm | undefined;
}

/** The images that a stage goes on with. */
type Kept = {
  /** Where the last step started. */
  readonly previous: Float32Array;
  /** Where the objective was largest, and its gradient there. */
  readonly highest: Float32Array;
  readonly gradient: Float32Array<ArrayBuffer>;
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
  const gradient = gradientOf(seen, x.length);
  const before = kept ?? { previous: x, highest: x, gradient, best: x };
  return { ...before, ...(isHighest && { highest: x, gradient }), ...(isBest && { best: x }) };
};

type Step = Pick<Extract<Order["move"], { kind: "step" }>, "size" | "isFirst">;

/** In `out`: z = P(x + η·d), d being sign g or, in L2, g/‖g‖₂; then P(x + 0.75·(z − x) + 0.25·(x − x₋₁)). The first step of a stage is z itself. */
type Moved = (
  step: Step,
  x: Float32Array,
  gradient: Float32Array,
  previous: Float32Array,
  clean: Float32Array,
  constraint: Constraint,
  out: Float32Array<ArrayBuffer>,
) => Float32Array<ArrayBuffer>;

/** The projection onto a ball of L2 needs all values at once. */
const movedInL2: Moved = ({ size, isFirst }, x, gradient, previous, clean, constraint, out) => {
  const z = alongUnit(gradient, size, x, out);
  project(z, clean, constraint, z);
  if (isFirst) return z;
  inPieces([x, z, previous], [z], (count, [at, next, before]) =>
    loops().blend(count, at, STEP, next, MOMENTUM, before),
  );
  return project(z, clean, constraint, z);
};

const movedInLinf: Moved = ({ size, isFirst }, x, gradient, previous, clean, { epsilon, pixelRange }, out) => {
  const [low, high] = endsOf(pixelRange);
  inPieces([x, gradient, clean, previous], [out], (count, [at, z, around, before]) => {
    loops().plusSign(count, at, Math.fround(size), z, z);
    loops().project(count, z, around, isFirst ? at : z, epsilon, low, high);
    if (isFirst) return;
    loops().blend(count, at, STEP, z, MOMENTUM, before);
    loops().project(count, at, around, at, epsilon, low, high);
  });
  return out;
};

/**
 * APGD (Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, ICML
 * 2020) in an L∞ or L2 ball: momentum, and a step size that starts at 2ε and is halved at checkpoints where the objective does not
 * progress; then it goes on from where the objective was largest. Its result is the evaluated image with the fewest pixels
 * left, the later of equals, or, where those are not known, with the largest value.
 *
 * In stages it is APGD of Croce et al. (Towards Reliable Evaluation and Fast Training of Robust Semantic Segmentation Models,
 * ECCV 2024): each stage starts from the projection of the last one's result.
 */
export const apgdRule = ({ start = 0, stages = single, norm }: ApgdOptions = {}): Rule<ApgdState> => {
  const pilot = apgdPilot(stages);
  return {
    kind: norm === "l2" ? "apgd-l2" : "apgd",
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
      if (move.kind === "end") return { state: { pace, kept }, x: kept.best as Float32Array<ArrayBuffer> };
      const gradient = gradientOf(seen, x.length);
      if (move.kind === "restart")
        return { state: { pace, kept: null }, x: project(kept.best, around.clean, ball, gradient), clock };
      // Of the gradient here and that where the objective was largest before, one is kept at most.
      const free = kept.gradient === gradient ? (state.kept?.gradient ?? new Float32Array(x.length)) : gradient;
      const moved = ball.norm === "l2" ? movedInL2 : movedInLinf;
      const isBack = move.from === "highest";
      const from = isBack ? kept.highest : x;
      return {
        state: { pace, kept: { ...kept, previous: from } },
        x: moved(move, from, isBack ? kept.gradient : gradient, kept.previous, around.clean, ball, free),
        clock,
      };
    },
    result: ({ kept }, x) => kept?.best ?? x,
  };
};
