/**
 * Confusion matrices, and the scores of a segmentation. Counts are pooled over a set first; ratios are computed from
 * the sums.
 */
import { sameShape, type Tensor } from "../tensor.ts";

/** The label that is ignored in a reference. */
const voidLabel = 255;

/**
 * `counts[r][p]` is the number of pixels of reference class r that are predicted as p. Pixels that are void in the
 * reference are not counted. Each of the `classes` rows has `classes + 1` entries; the last one counts predictions that are
 * not a scored class (an additional output of the network, or void). The entries are plain numbers, so that the matrix can
 * be sent as JSON.
 */
export interface Confusion {
  readonly classes: number;
  readonly counts: readonly (readonly number[])[];
}

export interface Scores {
  /**
   * Intersection over union of each class, TP / (TP + FP + FN); `null` for a class that does not occur in the reference.
   * Predicting such a class is still a false negative of the class that occurs there.
   */
  readonly iou: readonly (number | null)[];
  /** Mean of `iou` over the classes present in the reference; `null` if there is none. */
  readonly miou: number | null;
  /** Share of the counted pixels whose prediction is right; `null` if none is counted. */
  readonly pixelAccuracy: number | null;
  /** The number of counted pixels: all that are not void. */
  readonly pixels: number;
}

/** The neutral element of `mergeConfusions`. */
export const emptyConfusion = (classes: number): Confusion => ({
  classes,
  counts: Array.from({ length: classes }, () => Array.from({ length: classes + 1 }, () => 0)),
});

/**
 * Compares two label maps of one shape.
 *
 * A prediction ≥ `classes` is wrong: a false negative of the reference class, and a false positive of no class.
 *
 * @throws RangeError if the shapes differ, or a reference label is neither a class nor void (255).
 */
export const confusionMatrix = (
  prediction: Tensor<"uint8">,
  reference: Tensor<"uint8">,
  classes: number,
): Confusion => {
  if (!sameShape(prediction.shape, reference.shape)) {
    throw new RangeError(
      `confusionMatrix: prediction [${prediction.shape.join(", ")}] and reference [${reference.shape.join(", ")}] differ`,
    );
  }
  const width = classes + 1;
  const counts = new Float64Array(classes * width);
  for (let i = 0; i < reference.data.length; i++) {
    const r = reference.data[i]!;
    if (r === voidLabel) continue;
    if (r >= classes) throw new RangeError(`confusionMatrix: label ${r} at pixel ${i} is none of ${classes} classes`);
    counts[r * width + Math.min(prediction.data[i]!, classes)]! += 1;
  }
  return {
    classes,
    counts: Array.from({ length: classes }, (_, r) => Array.from(counts.subarray(r * width, (r + 1) * width))),
  };
};

/**
 * The sum of two matrices: associative, commutative, and exact up to 2^53 pixels.
 *
 * @throws RangeError if the classes differ.
 */
export const mergeConfusions = (a: Confusion, b: Confusion): Confusion => {
  if (a.classes !== b.classes) throw new RangeError(`mergeConfusions: ${a.classes} and ${b.classes} classes`);
  return { classes: a.classes, counts: a.counts.map((row, r) => row.map((n, p) => n + b.counts[r]![p]!)) };
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/**
 * IoU, mIoU and pixel accuracy. For a set, merge the matrices first: the mean of the scores of its images is another
 * quantity.
 */
export const scores = ({ counts }: Confusion): Scores => {
  const present = counts.map(sum);
  const right = counts.map((row, c) => row[c]!);
  const predicted = counts.map((_, c) => sum(counts.map((row) => row[c]!)));
  const iou = present.map((n, c) => (n === 0 ? null : right[c]! / (n + predicted[c]! - right[c]!)));
  const defined = iou.filter((v) => v !== null);
  const pixels = sum(present);
  return { iou, miou: ratio(sum(defined), defined.length), pixelAccuracy: ratio(sum(right), pixels), pixels };
};

/**
 * IoU ratio (Arnab et al. 2018): adversarial mIoU ÷ clean mIoU, each of a pooled matrix. `null` if one of them is
 * undefined, or the clean mIoU is 0.
 */
export const iouRatio = (adversarial: Scores, clean: Scores): number | null =>
  adversarial.miou === null || clean.miou === null ? null : ratio(adversarial.miou, clean.miou);
