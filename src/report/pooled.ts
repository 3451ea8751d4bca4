/** Scores of pooled counts, as quick as the bootstrap needs them: 3·C numbers, true positives, reference and predicted pixels. */

import { sum, type ClassCounts } from "../metrics/counts.ts";

/** mIoU (over classes of the reference) of 3·C pooled counts; NaN where no class is there. */
export const miouOf = (sums: Float64Array): number => {
  const C = sums.length / 3;
  let [total, defined] = [0, 0];
  for (let c = 0; c < C; c++) {
    if (sums[C + c] === 0) continue;
    total += sums[c]! / (sums[C + c]! + sums[2 * C + c]! - sums[c]!);
    defined += 1;
  }
  return defined === 0 ? Number.NaN : total / defined;
};

export const accuracyOf = (sums: Float64Array): number => {
  const C = sums.length / 3;
  let [right, pixels] = [0, 0];
  for (let c = 0; c < C; c++) {
    right += sums[c]!;
    pixels += sums[C + c]!;
  }
  return right / pixels;
};

/**
 * A lower bound of the mIoU (over classes of the reference) whatever labels `free` pixels take, which the counts have as predicted to be no class.
 *
 * A free pixel that becomes a false positive of class c makes the union U_c larger by one. The least Σ TP_c / (U_c + x_c) over real x_c ≥ 0 with
 * Σ x_c = `free` is a convex problem. Its optimum has x_c = s·√TP_c − U_c where that is positive, with one s for all classes, so that the classes with
 * x_c > 0 are those with the smallest U_c / √TP_c. Whole pixels, whose own class is excluded, can do no more than this.
 */
export const leastMiou = ({ truePositive, reference, predicted }: ClassCounts, free: number): number | null => {
  const present = reference.filter((n) => n > 0).length;
  if (present === 0) return null;
  const found = truePositive
    .map((right, c) => ({ right, root: Math.sqrt(right), union: reference[c]! + predicted[c]! - right }))
    .filter(({ root }) => root > 0)
    .toSorted((a, b) => a.union / a.root - b.union / b.root);
  let [unions, roots, scale] = [free, 0, 0];
  for (const { root, union } of found) {
    if (roots > 0 && scale <= union / root) break;
    [unions, roots] = [unions + union, roots + root];
    scale = unions / roots;
  }
  return sum(found.map(({ right, root, union }) => right / Math.max(union, scale * root))) / present;
};
