/** Typed forms of the kernels of labels and of their scores: a launch is bound once, its sizes checked, and run any number of times. */

import { GpuError } from "./error.ts";
import { lengthPerImage, releasing, requireLength, type Grid, type Measurement } from "./kernels.ts";
import type { Gpu, GpuArray, Launch } from "./gpu.ts";

type Labels = GpuArray<"uint8">;

/** @throws GpuError */
const requireClasses = (what: string, classes: number): void => {
  if (!Number.isInteger(classes) || classes < 1 || classes > 256) {
    throw new GpuError(`${what}: ${classes} classes; labels of one byte allow 1 to 256`);
  }
};

export interface ConfusionCount extends Grid {
  readonly prediction: Labels;
  /** Reference labels; 255 is void. */
  readonly reference: Labels;
  /** `confusionLength(classes)` counts of each image, which are added to: clear them first for the matrix of one, not for that of a set. */
  readonly counts: GpuArray<"uint32">;
  /** Number of classes, 1 to 256. */
  readonly classes: number;
  /** Default 1. */
  readonly images?: number;
}

/** Number of counts: the matrix [classes, classes + 1] of `Confusion`, and the number of labels that are neither class nor void. */
export const confusionLength = (classes: number): number => classes * (classes + 1) + 1;

/** Counts that fit into a workgroup's memory of 16 KiB, the minimum that WebGPU guarantees. */
const groupCounts = 4096;

/** counts[r, p] += pixels of reference class r predicted as p. */
export const confusion = async (
  gpu: Gpu,
  { prediction, reference, counts, classes, images = 1, groups }: ConfusionCount,
): Promise<Launch> => {
  requireClasses("confusion", classes);
  requireLength("confusion", reference.length, { prediction });
  requireLength("confusion", images * confusionLength(classes), { counts });
  const pixels = lengthPerImage("confusion", reference, images);
  const rows = Math.min(Math.floor(groupCounts / (classes + 1)), classes);
  const bands = Math.ceil(classes / rows);
  return gpu.launch("confusion", {
    buffers: { prediction, reference, counts },
    parameters: { pixels, classes, rows, bands },
    constants: { BINS: rows * (classes + 1) },
    items: Math.ceil(pixels / 16),
    layers: bands * images,
    groups,
  });
};

/** The same as `Scores` of a confusion matrix, in float32. */
export interface DeviceScores {
  readonly iou: readonly (number | null)[];
  readonly miou: number | null;
  readonly pixelAccuracy: number | null;
  readonly pixels: number;
}

/** Scores of the confusion matrix of each image, 16 + 4·classes bytes of each to read. @throws GpuError in `read`, where the reference had a label that is no class. */
export const classIou = async (
  gpu: Gpu,
  { counts, classes, images = 1 }: Pick<ConfusionCount, "counts" | "classes" | "images">,
): Promise<Measurement<readonly DeviceScores[]>> => {
  requireClasses("class_iou", classes);
  requireLength("class_iou", images * confusionLength(classes), { counts });
  const words = 4 + classes;
  const scores = await gpu.allocate("uint32", images * words);
  const launch = await gpu.launch("class_iou", {
    buffers: { counts, scores },
    parameters: { classes },
    items: 1,
    layers: images,
  });
  const read = async (): Promise<readonly DeviceScores[]> => {
    const all = await gpu.read(scores);
    return Array.from({ length: images }, (_, i) => scoresIn(all.slice(i * words, (i + 1) * words)));
  };
  return { ...releasing(launch, scores), read };
};

/** Of the words of an image. */
const scoresIn = (words: Uint32Array<ArrayBuffer>): DeviceScores => {
  const [, , pixels = 0, refused = 0] = words;
  const [miou = null, pixelAccuracy = null, , , ...iou] = Array.from(new Float32Array(words.buffer), scoreOf);
  if (refused > 0) throw new GpuError(`confusion: ${refused} reference labels are none of ${iou.length} classes`);
  return { iou, miou, pixelAccuracy, pixels };
};

const scoreOf = (value: number): number | null => (value < 0 ? null : value);
