/**
 * Counts of pixels per class, and the scores of a segmentation. Counts are pooled over a set before ratios are computed from them.
 * They are what IoU needs of a confusion matrix, in 3·C numbers instead of C².
 */

import { sameShape, type Tensor } from "../tensor.ts";

/** The label that is ignored in a reference. */
const VOID = 255;

/** Numbers of pixels by class, without those that are void in the reference. They are plain numbers, so that they can be sent as JSON. */
export interface ClassCounts {
  /** Pixels of the class that are predicted as it. */
  readonly truePositive: readonly number[];
  /** Pixels of the class in the reference. */
  readonly reference: readonly number[];
  /** Pixels predicted as the class. A prediction that is no class of the manifest belongs to none. */
  readonly predicted: readonly number[];
}

/** Scores of predictions against a reference, void pixels left out; shares from 0 to 1. */
export interface Scores {
  /**
   * Intersection over union of each class, TP / (TP + FP + FN); `null` for a class absent from the reference (or, over the union,
   * from both maps). Predicting an absent class always costs the class that was there a false negative.
   */
  readonly iou: readonly (number | null)[];
  /** Mean of the defined values of `iou`; `null` where there is none. */
  readonly miou: number | null;
  /** Share of the counted pixels whose prediction is right; `null` if none is counted. */
  readonly pixelAccuracy: number | null;
  /** The number of counted pixels: all that are not void. */
  readonly pixels: number;
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/**
 * Compares two label maps of one shape. A prediction that is none of the `classes` is a false negative for the reference
 * class and a false positive for none.
 *
 * @throws RangeError where shapes differ, or a reference label is neither a class nor void (255).
 */
export const countsOf = (prediction: Tensor<"uint8">, reference: Tensor<"uint8">, classes: number): ClassCounts => {
  if (!sameShape(prediction.shape, reference.shape))
    throw new RangeError(
      `the prediction [${prediction.shape.join(", ")}] and the reference [${reference.shape.join(", ")}] differ in shape`,
    );
  const [{ data: actual }, { data: given }] = [reference, prediction];
  // The confusion matrix: one count for each pixel.
  const pairs = new Float64Array(classes * 256);
  for (let i = 0; i < actual.length; i++) {
    const r = actual[i]!;
    if (r === VOID) continue;
    if (r >= classes) throw new RangeError(`label ${r} at pixel ${i} is none of ${classes} classes`);
    pairs[256 * r + given[i]!]! += 1;
  }
  const all = Array.from({ length: classes }, (_, c) => c);
  return {
    truePositive: all.map((c) => pairs[256 * c + c]!),
    reference: all.map((r) => sum(Array.from(pairs.subarray(256 * r, 256 * (r + 1))))),
    predicted: all.map((p) => sum(all.map((r) => pairs[256 * r + p]!))),
  };
};

/** The neutral element of `mergeCounts`. */
export const emptyCounts = (classes: number): ClassCounts => {
  const none = Array.from({ length: classes }, () => 0);
  return { truePositive: none, reference: none, predicted: none };
};

/** Pools two: associative and commutative, exact up to 2^53 pixels. @throws RangeError where the numbers of classes differ. */
export const mergeCounts = (a: ClassCounts, b: ClassCounts): ClassCounts => {
  if (a.reference.length !== b.reference.length)
    throw new RangeError(`counts of ${a.reference.length} classes and of ${b.reference.length} cannot be pooled`);
  const added = (name: keyof ClassCounts) => a[name].map((n, c) => n + b[name][c]!);
  return { truePositive: added("truePositive"), reference: added("reference"), predicted: added("predicted") };
};

/**
 * IoU, mIoU and pixel accuracy. Of a set, merge first and score then: means of per-image scores are another quantity.
 *
 * @param over the classes that have an IoU and that mIoU is the mean over: those present in the `reference`, as in the paper, or in
 *   the `union` of reference and prediction, where a class that is only predicted has the IoU 0.
 */
export const scoresOf = (
  { truePositive, reference, predicted }: ClassCounts,
  over: "reference" | "union" = "reference",
): Scores => {
  const iou = reference.map((n, c) => {
    const union = n + predicted[c]! - truePositive[c]!;
    return (over === "union" ? union : n) === 0 ? null : truePositive[c]! / union;
  });
  const defined = iou.filter((v) => v !== null);
  const pixels = sum(reference);
  return { iou, miou: ratio(sum(defined), defined.length), pixelAccuracy: ratio(sum(truePositive), pixels), pixels };
};

/**
 * IoU ratio (Arnab et al. 2018): adversarial mIoU ÷ clean mIoU, each pooled over the set first. `null` where it has no
 * meaning: either is undefined, or the clean mIoU is 0, so that there was nothing to break.
 */
export const iouRatio = (adversarial: Scores, clean: Scores): number | null =>
  adversarial.miou === null || clean.miou === null ? null : ratio(adversarial.miou, clean.miou);
