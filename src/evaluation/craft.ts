/** Carries out an attack on an image: its trajectories on the backend's device or from here, the worst of several. */

import type { Trajectory } from "../attacks/attack.ts";
import { follow } from "../attacks/run.ts";
import { changedShare } from "../metrics/distances.ts";
import type { Image, Labels, Prediction, SegmentationEvaluation, Segmenter } from "../segmenter/segmenter.ts";
import { followOnDevice, isDeviceRule } from "./on-device.ts";
import { aimOf, attackOf, type AttackPlan } from "./plan.ts";
import type { ObservedStep, Trace } from "./steps.ts";

/** Runs of the network: predictions, and predictions with their gradient. */
export interface Evaluations {
  readonly forward: number;
  readonly backward: number;
}

export interface Crafted {
  readonly image: Image;
  /** The source's prediction on it, where choosing among several trajectories has made it. */
  readonly prediction?: Prediction | undefined;
  readonly evaluations: Evaluations;
}

const zerosOf = (values: Float32Array): number => {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros += 1;
  return zeros;
};

const observedOf = ({ gradient, loss, labels }: SegmentationEvaluation, clean: Labels): ObservedStep => ({
  loss,
  zeroShare: zerosOf(gradient.data) / gradient.data.length,
  changedShare: changedShare(clean, labels) ?? 0,
});

interface Watch {
  readonly trace: Trace;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The adversarial image.
 *
 * @param source the network whose objective is climbed.
 * @param clean its labels on the image.
 */
export const craft = async (
  source: Segmenter,
  image: Image,
  plan: AttackPlan,
  clean: Labels,
  { trace, signal }: Watch,
): Promise<Crafted> => {
  const spent = { forward: 0, backward: 0 };
  const followed = async (trajectory: Trajectory): Promise<Image> => {
    const aim = aimOf(trajectory.objective, plan, clean);
    const climb = isDeviceRule(trajectory) ? source.onDevice(aim) : null;
    const observe = async (step: ObservedStep): Promise<void> => {
      spent.forward += 1;
      spent.backward += 1;
      await trace.observed(step);
    };
    if (climb) return followOnDevice(climb, trajectory, image, clean, { signal, onStep: observe });
    return follow(trajectory, source.objective(aim), image, {
      signal,
      onStep: ({ evaluation }) => observe(observedOf(evaluation, clean)),
    });
  };
  const [first, ...others] = attackOf(plan).trajectories;
  const only = await followed(first);
  if (others.length === 0) return { image: only, evaluations: spent };

  // Of several trajectories the one that leaves the fewest pixels with their labels; the first of equals.
  const judged = async (candidate: Image) => {
    spent.forward += 1;
    const prediction = await source.predict(candidate);
    return { image: candidate, prediction, changed: changedShare(plan.source ?? clean, prediction.labels) ?? 0 };
  };
  let worst = await judged(only);
  for (const trajectory of others) {
    const candidate = await judged(await followed(trajectory));
    if (candidate.changed > worst.changed) worst = candidate;
  }
  return { image: worst.image, prediction: worst.prediction, evaluations: spent };
};
