/** Follows a trajectory: evaluates, steps, reports; stops and continues at any step. */

import { random } from "../random.ts";
import { tensor } from "../tensor.ts";
import type { Clock, Evaluation, Feeds, Image, Objective, State, Surroundings, Trajectory } from "./attack.ts";
import { liesWithin, project, requirePositive } from "./constraint.ts";

/** Where a trajectory stands between two steps: all that it takes to continue it elsewhere. See `checkpoint.ts`. */
export interface Checkpoint {
  /** Steps that are done. */
  readonly step: number;
  readonly x: Float32Array;
  readonly state: State;
  readonly feeds?: Feeds | undefined;
  readonly clock?: Clock | undefined;
}

export interface Progress<E extends Evaluation = Evaluation> {
  /** Counts from 1. */
  readonly step: number;
  readonly steps: number;
  /** The objective where the step starts, without the gradient, which the step has used up. */
  readonly evaluation: Omit<E, "gradient">;
  /** The image after the step, which nothing changes. */
  readonly image: Image;
  /** A copy, made when it is read. @throws Error where the next step has been made. */
  readonly checkpoint: Checkpoint;
}

export interface Watch<E extends Evaluation = Evaluation> {
  /** Awaited after each step. */
  readonly onStep?: ((progress: Progress<E>) => void | Promise<void>) | undefined;
  /** Aborting it makes the attack reject with its reason before the next step. */
  readonly signal?: AbortSignal | undefined;
  /** Where to continue a trajectory that was stopped. */
  readonly from?: Checkpoint | undefined;
}

/** The seed of a step, counted from 1 over the whole trajectory: distinct from that of the start, which is the trajectory's own. */
export const seedOfStep = (seed: number, step: number): number => ((seed >>> 0) + 2 ** 32 * step) % 2 ** 53;

/** @throws RangeError for a number that cannot be. */
export const requireTrajectory = ({ constraint: { epsilon }, steps }: Trajectory): void => {
  requirePositive({ steps });
  if (!(epsilon > 0)) throw new RangeError(`epsilon must be positive, is ${epsilon}`);
  if (!Number.isInteger(steps)) throw new RangeError(`steps must be an integer, is ${steps}`);
};

/**
 * The adversarial image; the given one is not changed. A result beyond the constraint, as of an attack that looks for the smallest
 * perturbation and is bounded all the same, is projected onto it.
 *
 * @throws RangeError for a number that cannot be; the signal's reason where it is aborted; what the objective throws.
 */
export const follow = async <E extends Evaluation>(
  trajectory: Trajectory,
  objective: Objective<E>,
  image: Image,
  { onStep, signal, from }: Watch<E> = {},
): Promise<Image> => {
  requireTrajectory(trajectory);
  const { rule, constraint, steps, seed } = trajectory;
  const like = (data: Float32Array): Image => tensor("float32", image.shape, data as Float32Array<ArrayBuffer>);
  // The rule overwrites its state.
  let at: Checkpoint = from ? structuredClone(from) : { step: 0, ...rule.begin(image, constraint, random(seed)) };
  const copyAt = (step: number): Checkpoint => {
    if (step !== at.step) throw new Error(`the checkpoint of step ${step} is read at step ${at.step}: read it before`);
    return structuredClone(at);
  };
  for (let step = at.step + 1; step <= steps; step++) {
    signal?.throwIfAborted();
    const own = seedOfStep(seed, step);
    const seen = await objective(like(at.x), { ...(at.clock ?? { step, steps }), seed: own }, at.feeds);
    const around: Surroundings = {
      step,
      steps,
      clean: image.data,
      constraint,
      random: () => random(own),
    };
    const { done, ...stepped } = rule.next(at.state, seen, at.x, around);
    at = { step, ...stepped };
    const { gradient: _, ...evaluation } = seen;
    await onStep?.({
      step,
      steps,
      evaluation,
      image: like(at.x),
      get checkpoint() {
        return copyAt(step);
      },
    });
    if (done) break;
  }
  const result = rule.result ? rule.result(at.state, at.x) : at.x;
  if (result === image.data) return like(Float32Array.from(result));
  return like(liesWithin(result, image.data, constraint) ? result : project(result, image.data, constraint));
};
