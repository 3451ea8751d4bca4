/**
 * What APGD decides, apart from the images that its decisions move: the step size, where to go on from, which image is the best. It
 * takes the objective's values alone, so that the images can lie here or on a device.
 */

import type { Clock, Decision, Evaluation, Order, Pilot } from "../attack.ts";
import { isBetter, scoreOf } from "./best.ts";

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

/** A part of the steps within a multiple of ε. */
export interface Stage {
  /** Radius as a multiple of ε. */
  readonly radius: number;
  /** Share of the steps, rounded down; the last stage has the rest. */
  readonly share: number;
}

/** How many of an attack's steps each stage has. */
export const stepsOfStages = (stages: readonly Stage[], steps: number): readonly number[] => {
  const earlier = stages.slice(0, -1).map(({ share }) => Math.floor(share * steps));
  return [...earlier, steps - earlier.reduce((a, b) => a + b, 0)];
};

/** Where a stage stands after its first evaluation. */
type Climb = {
  /** Steps that are done and evaluated. */
  readonly done: number;
  /** The objective where the last step ended, and the largest so far. */
  readonly last: number;
  readonly value: number;
  /** η, in grey levels: a float32, as GPUs compute. */
  readonly size: number;
  /** Steps since the last checkpoint that were improvements. */
  readonly improved: number;
  /** The last checkpoint: after which step, whether η was halved there, and the largest value by then. */
  readonly check: { readonly at: number; readonly halved: boolean; readonly value: number };
  /** Of the stage's result so far. */
  readonly score: number;
};

export type Pace = {
  readonly stage: number;
  /** Null before the stage's first evaluation. */
  readonly climb: Climb | null;
};

/** What a stage is at its first evaluation. */
const opened = (seen: Evaluation, radius: number): Climb => ({
  done: 0,
  last: seen.value,
  value: seen.value,
  size: Math.fround(2 * radius),
  improved: 0,
  check: { at: 0, halved: true, value: seen.value },
  score: scoreOf(seen),
});

/** At a checkpoint: whether to halve η, because too few steps were improvements or nothing came of the last interval. */
const checked = (climb: Climb): Climb => {
  const { done, improved, value, size, check } = climb;
  const halved = improved <= PROGRESS * (done - check.at) || (!check.halved && check.value >= value);
  return { ...climb, size: halved ? size / 2 : size, improved: 0, check: { at: done, halved, value } };
};

/** @param stages the last one has to be within ε. */
export const apgdPilot = (stages: readonly Stage[]): Pilot<Pace> => {
  /** Evaluations of a stage, of all that the attack makes: one more than its steps. */
  const evaluations = (stage: number, all: number): number => 1 + stepsOfStages(stages, all - stages.length)[stage]!;
  const decide = ({ stage, climb: before }: Pace, seen: Evaluation, { steps }: Clock, epsilon: number) => {
    const isHighest = !before || seen.value > before.value;
    const isBest = !before || isBetter(seen, before.score);
    const climb: Climb = before
      ? {
          ...before,
          done: before.done + 1,
          last: seen.value,
          value: isHighest ? seen.value : before.value,
          improved: before.improved + (seen.value > before.last ? 1 : 0),
          score: isBest ? scoreOf(seen) : before.score,
        }
      : opened(seen, stages[stage]!.radius * epsilon);
    const count = evaluations(stage, steps);
    const decided = (pace: Pace, move: Order["move"], clock?: Clock): Decision<Pace> => ({
      pace,
      order: { isHighest, isBest, move, ball: pace.stage },
      clock,
    });
    if (climb.done === count - 1) {
      if (stage + 1 === stages.length) return decided({ stage, climb }, { kind: "end" });
      const clock = { step: 1, steps: evaluations(stage + 1, steps) };
      return decided({ stage: stage + 1, climb: null }, { kind: "restart" }, clock);
    }
    const due = checkpoints(count - 1).includes(climb.done);
    const on = due ? checked(climb) : climb;
    const from = due && on.check.halved ? "highest" : "here";
    const move = { kind: "step", from, size: on.size, isFirst: on.done === 0 } as const;
    return decided({ stage, climb: on }, move, { step: on.done + 2, steps: count });
  };
  return { radii: stages.map(({ radius }) => radius), begin: { stage: 0, climb: null }, decide };
};
