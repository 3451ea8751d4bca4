/**
 * One perturbation for many images, made beforehand: universal adversarial perturbations against segmentation (Metzen, Kumar, Brox,
 * Fischer 2017, arXiv 1704.05712). It is made on a set of images, then added to any other.
 */

import { makeAttack } from "../attacks/catalogue.ts";
import type { Clock, Evaluation } from "../attacks/attack.ts";
import { linf } from "../attacks/norms.ts";
import { follow, type Checkpoint } from "../attacks/run.ts";
import { changedShare } from "../metrics/distances.ts";
import { random, integer } from "../random.ts";
import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import { aimOf } from "./plan.ts";

/** A perturbation [P,H,W] in grey levels that is added to an image of its size. */
export interface UniversalPlan {
  readonly attack: "universal";
  readonly delta: Image;
  /** Radius of the L∞ ball that it lies in. */
  readonly epsilon: number;
  readonly pixelRange: "clip" | "none";
  /** Of the draws of transformations. */
  readonly seed: number;
}

/** Whether a plan adds a perturbation that was made before. */
export const isUniversal = <P extends { readonly attack: string }>(
  plan: P,
): plan is P & { readonly attack: "universal" } => plan.attack === "universal";

/** x + δ, clipped to grey levels. */
export const withDelta = (image: Image, { delta, pixelRange }: Pick<UniversalPlan, "delta" | "pixelRange">): Image => {
  const sum = image.data.map((v, i) => v + delta.data[i]!);
  if (pixelRange === "clip") for (let i = 0; i < sum.length; i++) sum[i] = Math.min(Math.max(sum[i]!, 0), 255);
  return tensor("float32", image.shape, sum);
};

/** A difference of float32 numbers may exceed ε by their rounding. */
const ROUNDING = 1e-4;

const shown = ([planes, height, width]: readonly number[]): string =>
  `${width}×${height} (width×height) of ${planes} channels`;

/** Why the perturbation cannot be added to an image of that shape within ε, in words; null where it can. */
export const deltaFault = (delta: Image, image: readonly number[], epsilon: number): string | null => {
  const { shape, data } = delta;
  if (shape.length !== 3) return `must be an array [channels, height, width], and is [${shape.join(", ")}]`;
  if (shape.some((side, axis) => side !== image[axis]))
    return `is ${shown(shape)}, and the image ${shown(image)}; it is added pixel by pixel and is not resized: resize the image`;
  if (!data.every(Number.isFinite)) return "holds values that are no finite numbers";
  const largest = radiusOf(delta);
  if (largest > epsilon + ROUNDING)
    return `changes a value by ${Number(largest.toFixed(4))} grey levels, and epsilon is ${epsilon}`;
  return null;
};

/** The smallest ball in L∞ that holds a perturbation: the radius in grey levels, to the 7 digits that float32 has: 3.2, not 3.200000047683716. */
export const radiusOf = ({ data }: Image): number => Number(linf(data).toPrecision(7));

/** How one is made; `epsilon` and `alpha` in grey levels. */
export interface UniversalSettings {
  readonly epsilon: number;
  readonly alpha: number;
  /** Passes through the images. */
  readonly epochs: number;
  /** Images whose gradients are averaged for a step. */
  readonly batch: number;
  /** Of the order of the images in each epoch. */
  readonly seed: number;
}

/** An image of the set, with the labels that the perturbation is to change; without them, those that are predicted. */
export interface UniversalItem {
  readonly image: Image;
  readonly truth?: Labels | undefined;
}

/** The images 0 … count − 1 in the order of an epoch (Fisher, Yates 1938), which depends on the seed and the epoch alone. */
const orderOf = (count: number, seed: number, epoch: number): readonly number[] => {
  const next = random(((seed >>> 0) + 2 ** 32 * (epoch + 1)) % 2 ** 53);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = integer(next, 0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
};

const stepsOfEpoch = (count: number, batch: number): number => Math.ceil(count / batch);

/** Steps of all epochs. */
export const universalSteps = (count: number, { epochs, batch }: Pick<UniversalSettings, "epochs" | "batch">): number =>
  epochs * stepsOfEpoch(count, batch);

/** The images of a step, from 1. */
const batchOf = (step: number, count: number, { batch, seed }: UniversalSettings): readonly number[] => {
  const each = stepsOfEpoch(count, batch);
  const [epoch, place] = [Math.floor((step - 1) / each), (step - 1) % each];
  return orderOf(count, seed, epoch).slice(place * batch, (place + 1) * batch);
};

/** A step of a universal perturbation as it is seen where it starts: means over the images of its batch. */
export interface UniversalStep {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly changedPixelShare: number;
}

export interface UniversalWatch {
  /** Awaited after each step, with what it takes to continue from there. */
  readonly onStep?: ((step: UniversalStep, checkpoint: Checkpoint) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where to continue. */
  readonly from?: Checkpoint | undefined;
}

type Averaged = Evaluation & { readonly loss: number; readonly changed: number };

/** Bytes of label maps that are remembered, one for each pixel. */
const MAX_REMEMBERED = 2 ** 28;

/** Clean predictions by the numbers of the images: they are the same in every epoch. */
const createPredictions = (segmenter: Segmenter) => {
  const known = new Map<number, Labels>();
  return async (index: number, image: Image): Promise<Labels> => {
    const before = known.get(index);
    if (before) return before;
    const { labels } = await segmenter.predict(image);
    if ((known.size + 1) * labels.data.length <= MAX_REMEMBERED) known.set(index, labels);
    return labels;
  };
};

/** The objective of an image at x + δ, given its clean prediction. Where x + δ is clipped, the image does not depend on δ. */
const evaluatedAt = async (
  segmenter: Segmenter,
  { image, truth }: UniversalItem,
  clean: Labels,
  delta: Image,
  at: Clock,
) => {
  const moved = withDelta(image, { delta, pixelRange: "clip" });
  const aim = aimOf("cross-entropy", { source: truth }, clean);
  const { gradient, loss, value, labels } = await segmenter.objective(aim)(moved, at);
  const free = gradient.data.map((g, i) => (moved.data[i] === Math.fround(image.data[i]! + delta.data[i]!) ? g : 0));
  return { gradient: free, loss, value, changed: changedShare(clean, labels) ?? 0 };
};

/**
 * The perturbation of size `shape` [P,H,W]: δ ← clip_ε(δ + α·sign Σ ∇L(clip(x + δ), y)) over the images of a batch, from 0, the images in
 * a new order in each epoch. With a batch of all images it is that of Metzen et al. 2017; the steps themselves are those of
 * iterative FGSM on δ.
 *
 * @param count images in all, each of the size of the perturbation; `read` gives one of them.
 * @throws RangeError for a number out of range, or an image of another size; the signal's reason where it is aborted.
 */
export const craftUniversal = async (
  segmenter: Segmenter,
  shape: readonly number[],
  { count, read }: { readonly count: number; readonly read: (index: number) => Promise<UniversalItem> },
  settings: UniversalSettings,
  { onStep, signal, from }: UniversalWatch = {},
): Promise<Image> => {
  const { epsilon, alpha, seed } = settings;
  if (!(count >= 1)) throw new RangeError("a universal perturbation needs an image at least");
  const steps = universalSteps(count, settings);
  const cleanOf = createPredictions(segmenter);
  const attack = makeAttack("ifgsm", { epsilon, alpha, steps, seed, pixelRange: null });
  const objective = async (delta: Image, at: Clock): Promise<Averaged> => {
    const indices = batchOf(at.step, count, settings);
    const gradient = new Float32Array(delta.data.length);
    let [loss, value, changed] = [0, 0, 0];
    for (const index of indices) {
      signal?.throwIfAborted();
      const item = await read(index);
      const fault = deltaFault(delta, item.image.shape, Infinity);
      if (fault !== null) throw new RangeError(`image ${index}: the perturbation ${fault}`);
      const seen = await evaluatedAt(segmenter, item, await cleanOf(index, item.image), delta, at);
      for (let i = 0; i < gradient.length; i++) gradient[i]! += seen.gradient[i]!;
      loss += seen.loss / indices.length;
      value += seen.value;
      changed += seen.changed / indices.length;
    }
    return { gradient: tensor("float32", shape, gradient), value, loss, changed };
  };
  const none = tensor("float32", shape, new Float32Array(shape.reduce((product, side) => product * side, 1)));
  return follow(attack.trajectories[0], objective, none, {
    signal,
    from,
    onStep: async ({ step, evaluation: { loss, changed }, checkpoint }) =>
      onStep?.({ step, steps, loss, changedPixelShare: changed }, checkpoint),
  });
};
