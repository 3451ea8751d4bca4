/** An objective on a network: the labels that it is taken against, and what its run at an image gives. */

import type { Clock, Objective } from "../objectives/objective.ts";
import { RuntimeError } from "../runtime/session.ts";
import { spatialSize, tensor, type Tensor } from "../tensor.ts";

/** float32 [P,H,W], grey levels 0..255: red, green and blue, or the planes that the manifest names. */
export type Image = Tensor<"float32">;
/** uint8 [H,W], class indices, 255 = void. */
export type Labels = Tensor<"uint8">;

/** An objective, with the labels that it is taken against where it has any. */
export interface Aim {
  readonly objective: Objective;
  /** Fed to the objective's input `target`. */
  readonly labels?: Labels | undefined;
}

export interface SegmentationEvaluation {
  /** ∂ value / ∂ image [P,H,W]. */
  readonly gradient: Image;
  /** What is climbed: the objective's value summed over the pixels, or its negative where it is descended. */
  readonly value: number;
  /** The objective's value as a mean over the pixels that count. */
  readonly loss: number;
  /** The prediction at this image; of several draws of a random transformation, the first's. */
  readonly labels: Labels;
  /** float32 [H,W]: the objective's value of each pixel, where it gives one. */
  readonly perPixel?: Tensor<"float32"> | undefined;
  /** Runs of the network that it took: the draws over which the rest is averaged; 1 where it is absent. */
  readonly runs?: number | undefined;
}

/** An objective at one image, without its gradient. */
export type SegmentationValue = Omit<SegmentationEvaluation, "gradient">;

/** Evaluates an objective: at an image, at a step of the attack, with what the attack's rule feeds it. */
export type Evaluate<E = SegmentationEvaluation> = (image: Image, at?: Clock, feeds?: Feeds) => Promise<E>;

/** Tensors by the names of a graph's inputs, or of its outputs. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** How many labels are not `label`. */
const countOther = (labels: Uint8Array, label: number): number => {
  let count = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] !== label) count += 1;
  return count;
};

const int32 = (labels: Labels): Tensor<"int32"> => tensor("int32", [1, ...labels.shape], Int32Array.from(labels.data));

/** The labels as the graph is fed them, and over how many pixels the value is a sum: all but void. */
export const aimedAt = (labels: Labels | undefined, voidLabel: number) => {
  if (!labels) return { target: {}, countedPixels: ({ shape }: Image) => shape[1]! * shape[2]! };
  const pixels = Math.max(countOther(labels.data, voidLabel), 1);
  return { target: { target: int32(labels) }, countedPixels: () => pixels };
};

/** @throws RuntimeError for a loss that is no number. */
export const requireFinite = (loss: number): void => {
  if (!Number.isFinite(loss)) throw new RuntimeError(`the network's loss is ${loss}: its output overflows`);
};

/** What a run at an image gives beside the gradient. @throws RuntimeError for a loss that is no number. */
export const valueFrom = (
  { loss, labels, perPixel }: Feeds,
  image: Image,
  { sense }: Objective,
  countedPixels: number,
): SegmentationValue => {
  const total = Number(loss!.data[0]);
  requireFinite(total);
  const { height, width } = spatialSize(image);
  const shape = [height, width];
  return {
    value: sense * total,
    loss: total / countedPixels,
    labels: tensor("uint8", shape, labels!.data as Uint8Array<ArrayBuffer>),
    ...(perPixel && { perPixel: tensor("float32", shape, perPixel.data as Float32Array<ArrayBuffer>) }),
  };
};

/** In place: what a run gives is the caller's. */
const negated = (values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < values.length; i++) values[i] = -values[i]!;
  return values;
};

/** ∂ value / ∂ image, from the run's gradient of the loss. */
export const gradientFrom = ({ gradient }: Feeds, image: Image, { sense }: Objective): Image => {
  const raw = gradient!.data as Float32Array<ArrayBuffer>;
  return tensor("float32", image.shape, sense > 0 ? raw : negated(raw));
};
