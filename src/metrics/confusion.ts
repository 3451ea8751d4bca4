/** Confusion matrices and the scores of segmentation. Counts are pooled over a set before ratios are formed. */
import { sameShape, type Tensor } from "../tensor.ts";

/** The label that is ignored in a reference. */
const voidLabel = 255;

/**
 * `counts[r][p]`: pixels of reference class r predicted as p; void reference pixels are not counted. Each of the
 * `classes` rows has `classes + 1` entries: the last counts predictions that are no scored class (a network's extra
 * output, or void). Plain numbers, which can be sent as JSON.
 */
export interface Confusion {
  readonly classes: number;
  readonly counts: readonly (readonly number[])[];
}

export interface Scores {
  /**
   * Intersection over union of each class, TP / (TP + FP + FN); `null` for a class absent from the reference. Predicting
   * an absent class is a false negative of the reference's class.
   */
  readonly iou: readonly (number | null)[];
  /** Mean of `iou` over the classes present in the reference; `null` where there is none. */
  readonly miou: number | null;
  /** Share of the counted pixels that are predicted correctly; `null` where none is counted. */
  readonly pixelAccuracy: number | null;
  /** Number of counted pixels, all but void. */
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
 * @throws RangeError where shapes differ, or a reference label is neither a class nor void (255)
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

/** Sums two matrices: associative and commutative, exact up to 2^53 pixels. @throws RangeError where classes differ */
export const mergeConfusions = (a: Confusion, b: Confusion): Confusion => {
  if (a.classes !== b.classes) throw new RangeError(`mergeConfusions: ${a.classes} and ${b.classes} classes`);
  return { classes: a.classes, counts: a.counts.map((row, r) => row.map((n, p) => n + b.counts[r]![p]!)) };
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** IoU, mIoU and pixel accuracy. For a set, merge the matrices first: the mean of per-image scores is another quantity. */
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
 * IoU ratio (Arnab et al. 2018): adversarial mIoU ÷ clean mIoU, each of a pooled matrix. `null` where it is
 * undefined: where either mIoU is, or the clean one is 0.
 */
export const iouRatio = (adversarial: Scores, clean: Scores): number | null =>
  adversarial.miou === null || clean.miou === null ? null : ratio(adversarial.miou, clean.miou);
