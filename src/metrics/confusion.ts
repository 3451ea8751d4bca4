/** Confusion matrices, and the scores of segmentation made from them: counts first, pooled over a set, then ratios. */
import { sameShape, type Tensor } from "../tensor.ts";

/** The label that is ignored in a reference. */
const voidLabel = 255;

/**
 * `counts[r][p]`: pixels of reference class r predicted as p; void reference pixels are not counted. Each of the
 * `classes` rows has `classes + 1` entries: the last counts predictions that are no scored class (a network's extra
 * output, or void). Plain numbers, so that it travels as JSON.
 */
export interface Confusion {
  readonly classes: number;
  readonly counts: readonly (readonly number[])[];
}

/** Scores of predictions against a reference, void pixels left out; shares from 0 to 1. */
export interface Scores {
  /**
   * Intersection over union of each class, TP / (TP + FP + FN); `null` for a class absent from the reference. Predicting
   * an absent class still costs the class that was there a false negative.
   */
  readonly iou: readonly (number | null)[];
  /** Mean of `iou` over the classes present in the reference; `null` where there is none. */
  readonly miou: number | null;
  /** Share of counted pixels that are right; `null` where none is counted. */
  readonly pixelAccuracy: number | null;
  /** Pixels counted: all but void. */
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
 * A prediction ≥ `classes` counts as wrong: a false negative for the reference class, a false positive for none.
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

/** IoU, mIoU and pixel accuracy. Of a set, merge first and score then: means of per-image scores are another quantity. */
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
 * IoU ratio (Arnab et al. 2018): adversarial mIoU ÷ clean mIoU, each of a pooled matrix. `null` where it has no meaning:
 * either is undefined, or the clean mIoU is 0, so that there was nothing to break.
 */
export const iouRatio = (adversarial: Scores, clean: Scores): number | null =>
  adversarial.miou === null || clean.miou === null ? null : ratio(adversarial.miou, clean.miou);
