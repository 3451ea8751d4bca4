/** Confusion matrices, and the scores of a segmentation. Matrices are pooled over a set before ratios are computed from them. */
import { sameShape, type Tensor } from "../tensor.ts";
import { scoresOf, sum, type ClassCounts, type Scores } from "./counts.ts";

/** The label that is ignored in a reference. */
const voidLabel = 255;

/**
 * `counts[r][p]` is the number of pixels of reference class r that are predicted as p. Pixels that are void in the reference
 * are not counted. Each of the `classes` rows has `classes + 1` entries; the last one counts predictions that are not a scored
 * class (an additional output of the network, or void). The entries are plain numbers, so that the matrix can be sent as JSON.
 */
export interface Confusion {
  readonly classes: number;
  readonly counts: readonly (readonly number[])[];
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

/** The sum of two matrices, exact up to 2^53 pixels. @throws RangeError if the classes differ. */
export const mergeConfusions = (a: Confusion, b: Confusion): Confusion => {
  if (a.classes !== b.classes) throw new RangeError(`mergeConfusions: ${a.classes} and ${b.classes} classes`);
  return { classes: a.classes, counts: a.counts.map((row, r) => row.map((n, p) => n + b.counts[r]![p]!)) };
};

/** The counts of each class: the diagonal, and the sums of the rows and of the columns. */
export const countsOfConfusion = ({ counts }: Confusion): ClassCounts => ({
  truePositive: counts.map((row, c) => row[c]!),
  reference: counts.map(sum),
  predicted: counts.map((_, c) => sum(counts.map((row) => row[c]!))),
});

/** IoU, mIoU and pixel accuracy. Of a set, merge first and score then: means of per-image scores are another quantity. */
export const scores = (confusion: Confusion, over?: "reference" | "union"): Scores =>
  scoresOf(countsOfConfusion(confusion), over);
