/** Steps of a size that follows the progress: APGD, in one stage or in several of shrinking radius. */

import { gradientOf, type Evaluation, type Rule, type Stepped, type Surroundings } from "../attack.ts";
import { project, type Constraint } from "../constraint.ts";
import { startWithin } from "../start.ts";
import { best, judge, type Best } from "./best.ts";
import { sign } from "./sign.ts";

/** Weights of the step and of the change before it. */
const [STEP, MOMENTUM] = [0.75, 0.25];
/** Of the steps since the last checkpoint, so many have to have raised the objective. */
const PROGRESS = 0.75;

/** The steps after which APGD checks its step size: intervals of ⌊0.22·n⌋, each ⌊0.03·n⌋ shorter, and none below ⌊0.06·n⌋. */
export const checkpoints = (steps: number): readonly number[] => {
  const part = (share: number) => Math.max(Math.floor(share * steps), 1);
  const found: number[] = [];
  for (let interval = part(0.22), at = interval; at <= steps; at += interval) {
    found.push(at);
    interval = Math.max(interval - part(0.03), part(0.06));
  }
  return found;
};

/** Where a stage stands after its first evaluation; `highest` and its gradient are where the objective was largest. */
type Climb = {
  /** Steps that are done and evaluated. */
  readonly done: number;
  /** Where the last step started, and the objective where it ended. */
  readonly previous: Float32Array;
  readonly last: number;
  readonly highest: Float32Array;
  readonly gradient: Float32Array;
  readonly value: number;
  /** η, in grey levels. */
  readonly size: number;
  /** Steps since the last checkpoint that were improvements. */
  readonly improved: number;
  /** The last checkpoint: after which step, whether η was halved there, and the largest value by then. */
  readonly check: { readonly at: number; readonly halved: boolean; readonly value: number };
  /** The stage's result so far. */
  readonly best: Best;
};

/** What a stage is at its first evaluation. */
const opened = (seen: Evaluation, x: Float32Array, epsilon: number): Climb => ({
  done: 0,
  previous: x,
  last: seen.value,
  highest: x,
  gradient: gradientOf(seen, x.length),
  value: seen.value,
  size: 2 * epsilon,
  improved: 0,
  check: { at: 0, halved: true, value: seen.value },
  best: best(seen, x),
});

/** After the evaluation of a step's end: the tallies, and at a checkpoint the step size and where to go on from. */
const tallied = (climb: Climb, seen: Evaluation, x: Float32Array): Climb => {
  const higher = seen.value > climb.value;
  return {
    ...climb,
    done: climb.done + 1,
    last: seen.value,
    ...(higher && { highest: x, gradient: gradientOf(seen, x.length), value: seen.value }),
    improved: climb.improved + (seen.value > climb.last ? 1 : 0),
    best: judge(climb.best, seen, x),
  };
};

/** At a checkpoint: whether to halve η, because too few steps were improvements or nothing came of the last interval. */
const checked = (climb: Climb): Climb => {
  const { done, improved, value, size, check } = climb;
  const halved = improved <= PROGRESS * (done - check.at) || (!check.halved && check.value >= value);
  return { ...climb, size: halved ? size / 2 : size, improved: 0, check: { at: done, halved, value } };
};

/** z = P(x + η·sign g), then P(x + 0.75·(z − x) + 0.25·(x − x₋₁)); the first step of a stage is z itself. */
const moved = (
  { done, size, previous }: Climb,
  x: Float32Array,
  gradient: Float32Array,
  clean: Float32Array,
  constraint: Constraint,
): Float32Array<ArrayBuffer> => {
  const z = sign(gradient);
  for (let i = 0; i < z.length; i++) z[i] = x[i]! + size * z[i]!;
  project(z, clean, constraint, z);
  if (done === 0) return z;
  for (let i = 0; i < z.length; i++) z[i] = x[i]! + STEP * (z[i]! - x[i]!) + MOMENTUM * (x[i]! - previous[i]!);
  return project(z, clean, constraint, z);
};

/** A part of the steps within a multiple of ε. */
export interface Stage {
  /** Radius as a multiple of ε. */
  readonly radius: number;
  /** Share of the steps, rounded down; the last stage has the rest. */
  readonly share: number;
}

const single: readonly Stage[] = [{ radius: 1, share: 1 }];

/** How many of an attack's steps each stage has. */
export const stepsOfStages = (stages: readonly Stage[], steps: number): readonly number[] => {
  const earlier = stages.slice(0, -1).map(({ share }) => Math.floor(share * steps));
  return [...earlier, steps - earlier.reduce((a, b) => a + b, 0)];
};

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

type ApgdState = {
  readonly stage: number;
  /** Null before the stage's first evaluation. */
  readonly climb: Climb | null;
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
  const within = (constraint: Constraint, stage: number): Constraint => ({
    ...constraint,
    epsilon: stages[stage]!.radius * constraint.epsilon,
  });
  /** The end of a stage: the next one starts from its best image, which the last one returns. */
  const closed = (stage: number, climb: Climb, { clean, constraint, steps }: Surroundings): Stepped<ApgdState> =>
    stage + 1 === stages.length
      ? { state: { stage, climb }, x: Float32Array.from(climb.best.x) }
      : {
          state: { stage: stage + 1, climb: null },
          x: project(climb.best.x, clean, within(constraint, stage + 1)),
          clock: { step: 1, steps: evaluations(stage + 1, steps) },
        };
  /** Evaluations of a stage, of all that the attack makes: one more than its steps. */
  const evaluations = (stage: number, all: number): number => 1 + stepsOfStages(stages, all - stages.length)[stage]!;
  return {
    kind: "apgd",
    parameters: { start, stages: stages.length },
    needs: "gradient",
    judged: stages.length,
    begin: ({ data }, constraint, random) => ({
      state: { stage: 0, climb: null },
      x: startWithin(start, data, within(constraint, 0), random),
    }),
    next: ({ stage, climb: before }, seen, x, around) => {
      const ball = within(around.constraint, stage);
      const climb = before ? tallied(before, seen, x) : opened(seen, x, ball.epsilon);
      const count = evaluations(stage, around.steps);
      if (climb.done === count - 1) return closed(stage, climb, around);
      const due = checkpoints(count - 1).includes(climb.done);
      const on = due ? checked(climb) : climb;
      const back = due && on.check.halved;
      const from = back ? on.highest : x;
      const gradient = back ? on.gradient : gradientOf(seen, x.length);
      return {
        state: { stage, climb: { ...on, previous: from } },
        x: moved(on, from, gradient, around.clean, ball),
        clock: { step: climb.done + 2, steps: count },
      };
    },
    result: ({ climb }, x) => (climb ? Float32Array.from(climb.best.x) : x),
  };
};
