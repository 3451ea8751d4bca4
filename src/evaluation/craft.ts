/** Carries out an attack on an image: its trajectories on the backend's device or from here, the worst of several. */

import type { Objective, Trajectory } from "../attacks/attack.ts";
import { attackEntry } from "../attacks/catalogue.ts";
import { follow, seedOfStep, type Checkpoint } from "../attacks/run.ts";
import { changedShare } from "../metrics/distances.ts";
import type {
  Aim,
  Image,
  Labels,
  Prediction,
  SegmentationEvaluation,
  SegmentationValue,
  Segmenter,
} from "../segmenter/segmenter.ts";
import type { Defence } from "../segmenter/defence.ts";
import { tensor } from "../tensor.ts";
import { followOnDevice, isDeviceRule } from "./on-device.ts";
import { aimOf, attackOf, type AttackPlan } from "./plan.ts";
import type { CountedStep, Trace, TraceState } from "./steps.ts";

/** Runs of the network: predictions, and predictions with their gradient. */
export interface Evaluations {
  readonly forward: number;
  readonly backward: number;
}

/** What became of one trajectory. */
export interface Course {
  /** The objective's mean value where each step started. */
  readonly losses: readonly number[];
  /** Share of the pixels that its image leaves unmoved; null where there is one trajectory, whose image is not judged for itself. */
  readonly remaining: number | null;
}

export interface Crafted {
  readonly image: Image;
  /** The source's prediction on it, where choosing among several trajectories has made it. */
  readonly prediction?: Prediction | undefined;
  /** Without the prediction on the clean image. */
  readonly evaluations: Evaluations;
  /** Share of exactly zero components of the first gradient, of those at pixels that the network reads. */
  readonly zeroGradientShare: number;
  /** Of each trajectory; none where no attack was made. */
  readonly courses: readonly Course[];
}

const zerosOf = (values: Float32Array): number => {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros += 1;
  return zeros;
};

/** Share of zeros among the components that may be others: those of the share of the pixels that is read. */
const zeroShareOf = (zeros: number, components: number, read: number): number => {
  const unread = Math.round((1 - read) * components);
  return Math.max(0, zeros - unread) / (components - unread);
};

/** What the network gives at an image, as far as a rule needs it. */
type Given = SegmentationValue & Partial<Pick<SegmentationEvaluation, "gradient">>;

/** What a rule sees of the network at an image. */
type Seen = Given & {
  readonly remaining: number;
  /** Of the attack's first gradient. */
  readonly zeros: number | null;
};

const observedOf = ({ loss, labels, zeros }: Omit<Seen, "gradient">, clean: Labels): CountedStep => ({
  loss,
  zeros,
  changedShare: changedShare(clean, labels) ?? 0,
});

/** Share of the pixels, void left out, that keep the labels to leave, or lack those to approach. */
export const remainingShare = (
  labels: Labels,
  { target, source }: Pick<AttackPlan, "target" | "source">,
  clean: Labels,
): number => {
  const left = source ?? clean;
  let [pixels, remaining] = [0, 0];
  for (let i = 0; i < labels.data.length; i++) {
    const wanted = target === undefined ? left.data[i]! : typeof target === "number" ? target : target.data[i]!;
    if (wanted === 255) continue;
    pixels += 1;
    if ((labels.data[i] === wanted) === (target === undefined)) remaining += 1;
  }
  return pixels === 0 ? 0 : remaining / pixels;
};

/** The objective with as much as the trajectory's rule needs; `isFirst` says whether an evaluation is the attack's first. */
const evaluatorOf = (
  source: Segmenter,
  { rule: { needs } }: Trajectory,
  aim: Aim,
  plan: AttackPlan,
  clean: Labels,
  isFirst: () => boolean,
): Objective<Seen> => {
  const evaluate = needs === "gradient" ? source.objective(aim) : source.value(aim);
  const labelled = async (image: Image): Promise<SegmentationValue> => {
    const { labels } = await source.predict(image);
    const value = -remainingShare(labels, plan, clean);
    return { labels, value, loss: value };
  };
  return async (image, at, feeds) => {
    const seen: Given = await (needs === "labels" ? labelled(image) : evaluate(image, at, feeds));
    // Counted before the step, which may be written into the gradient.
    const zeros = isFirst() && seen.gradient ? zerosOf(seen.gradient.data) : null;
    return { ...seen, remaining: remainingShare(seen.labels, plan, clean), zeros };
  };
};

/** The network as the attack meets it: behind the attack's own transformations, which predictions do not pass. */
const diversified = (source: Segmenter, { attack, seed }: AttackPlan): Segmenter => {
  const { diversity } = attackEntry(attack);
  if (!diversity) return source;
  const { transform = [], through = "differentiable", draws = 1 } = source.defence ?? {};
  const own = diversity.map(({ name, options }) => ({ name, ...options })) as unknown as Defence["transform"];
  return source.withTransform({
    transform: [...own, ...transform],
    seed: source.defence?.seed ?? seed,
    through,
    draws,
  });
};

/** Where the making of an adversarial image stands between two steps: all that it takes to go on elsewhere. */
export interface CraftState {
  /** Trajectories that are done. */
  readonly done: number;
  /** Of the next one; null where it has not begun. */
  readonly at: Checkpoint | null;
  /** The worst image of those that are done. */
  readonly worst: { readonly x: Float32Array; readonly remaining: number } | null;
  /** Of each trajectory that is done: the steps that were seen by its end, and what its image leaves. */
  readonly results: readonly { readonly end: number; readonly remaining: number }[];
  readonly spent: Evaluations;
  readonly trace: TraceState;
}

/** Stops at a step and goes on later. An attack that runs on the backend's own device does not stop. */
export interface Stops {
  readonly from?: CraftState | undefined;
  /** Awaited after each step; making the state is what costs, and it throws where the next step has been made. */
  readonly onState?: ((state: () => CraftState) => void | Promise<void>) | undefined;
}

interface Watch extends Stops {
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
  { trace, signal, from, onState }: Watch,
): Promise<Crafted> => {
  const spent = { forward: 0, backward: 0, ...from?.spent };
  const results = [...(from?.results ?? [])];
  if (from) trace.resume(from.trace);
  const like = (data: Float32Array): Image => tensor("float32", image.shape, data as Float32Array<ArrayBuffer>);
  const climbed = diversified(source, plan);
  const { trajectories } = attackOf(plan);
  // Of several trajectories the one that leaves the fewest pixels with their labels; the first of equals.
  let worst: { readonly image: Image; readonly prediction?: Prediction; readonly remaining: number } | null =
    from?.worst ? { image: like(from.worst.x), remaining: from.worst.remaining } : null;
  const stateOf = (done: number, at: () => Checkpoint | null) => (): CraftState => ({
    done,
    at: at(),
    worst: worst && { x: worst.image.data, remaining: worst.remaining },
    results: [...results],
    spent: { ...spent },
    trace: trace.state(),
  });
  const followed = async (trajectory: Trajectory, done: number): Promise<Image> => {
    const aim = aimOf(trajectory.objective, plan, clean);
    const climb = isDeviceRule(trajectory) ? climbed.onDevice(aim) : null;
    const first = { step: 1, steps: trajectory.steps, seed: seedOfStep(trajectory.seed, 1) };
    const observe = async ({ zeros, ...step }: CountedStep, runs = 1): Promise<void> => {
      spent.forward += runs;
      if (trajectory.rule.needs === "gradient") spent.backward += runs;
      const zeroShare = zeros === null ? null : zeroShareOf(zeros, image.data.length, climbed.readShare(image, first));
      await trace.observed({ ...step, zeroShare });
    };
    if (climb) return followOnDevice(climb, trajectory, image, plan, clean, { signal, onStep: observe });
    const evaluate = evaluatorOf(climbed, trajectory, aim, plan, clean, () => spent.forward === 0);
    return follow(trajectory, evaluate, image, {
      signal,
      from: (from?.done === done ? from.at : null) ?? undefined,
      onStep: async (progress) => {
        const { evaluation } = progress;
        await observe(observedOf(evaluation, clean), evaluation.runs);
        await onState?.(stateOf(done, () => progress.checkpoint));
      },
    });
  };
  for (const [i, trajectory] of trajectories.entries()) {
    if (i < (from?.done ?? 0)) continue;
    const made = await followed(trajectory, i);
    if (trajectories.length === 1)
      return { image: made, courses: [{ losses: trace.losses, remaining: null }], ...watched(spent, trace) };
    spent.forward += 1;
    const prediction = await source.predict(made);
    const remaining = remainingShare(prediction.labels, plan, clean);
    results.push({ end: trace.losses.length, remaining });
    if (worst === null || remaining < worst.remaining) worst = { image: made, prediction, remaining };
    await onState?.(stateOf(i + 1, () => null));
  }
  const { image: chosen, prediction = await source.predict(chosen) } = worst!;
  const courses = results.map(({ end, remaining }, i): Course => {
    return { losses: trace.losses.slice(results[i - 1]?.end ?? 0, end), remaining };
  });
  return { image: chosen, prediction, courses, ...watched(spent, trace) };
};

const watched = (evaluations: Evaluations, trace: Trace): Pick<Crafted, "evaluations" | "zeroGradientShare"> => ({
  evaluations,
  zeroGradientShare: trace.zeroGradientShare(),
});
