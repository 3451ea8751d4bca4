/** Typed forms of the kernels of labels and of their scores: a launch is bound once, its sizes checked, and run any number of times. */

import { GpuError } from "./error.ts";
import { releasing, requireLength, type Grid, type Measurement } from "./kernels.ts";
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
  /** `confusionLength(classes)` counts, which are added to: clear them first for the matrix of one image, not for that of a set. */
  readonly counts: GpuArray<"uint32">;
  /** Number of classes, 1 to 256. */
  readonly classes: number;
}

/** Number of counts: the matrix [classes, classes + 1] of `Confusion`, and the number of labels that are neither class nor void. */
export const confusionLength = (classes: number): number => classes * (classes + 1) + 1;

/** Counts that fit into a workgroup's memory of 16 KiB, the minimum that WebGPU guarantees. */
const groupCounts = 4096;

/** counts[r, p] += pixels of reference class r predicted as p. */
export const confusion = async (
  gpu: Gpu,
  { prediction, reference, counts, classes, groups }: ConfusionCount,
): Promise<Launch> => {
  requireClasses("confusion", classes);
  requireLength("confusion", reference.length, { prediction });
  requireLength("confusion", confusionLength(classes), { counts });
  const rows = Math.min(Math.floor(groupCounts / (classes + 1)), classes);
  return gpu.launch("confusion", {
    buffers: { prediction, reference, counts },
    parameters: { pixels: reference.length, classes, rows },
    constants: { BINS: rows * (classes + 1) },
    items: Math.ceil(reference.length / 16),
    layers: Math.ceil(classes / rows),
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

/** Scores of a confusion matrix, 16 + 4·classes bytes to read. @throws GpuError in `read`, where the reference had a label that is no class. */
export const classIou = async (
  gpu: Gpu,
  { counts, classes }: { readonly counts: GpuArray<"uint32">; readonly classes: number },
): Promise<Measurement<DeviceScores>> => {
  requireClasses("class_iou", classes);
  requireLength("class_iou", confusionLength(classes), { counts });
  const scores = await gpu.allocate("uint32", 4 + classes);
  const launch = await gpu.launch("class_iou", { buffers: { counts, scores }, parameters: { classes }, items: 1 });
  const read = async (): Promise<DeviceScores> => {
    const words = await gpu.read(scores);
    const [, , pixels = 0, refused = 0] = words;
    if (refused > 0) throw new GpuError(`confusion: ${refused} reference labels are none of ${classes} classes`);
    const [miou = null, pixelAccuracy = null, , , ...iou] = Array.from(new Float32Array(words.buffer), scoreOf);
    return { iou, miou, pixelAccuracy, pixels };
  };
  return { ...releasing(launch, scores), read };
};

const scoreOf = (value: number): number | null => (value < 0 ? null : value);
