/** Scores of pooled counts, as quick as the bootstrap needs them: 3·C numbers, true positives, reference and predicted pixels. */

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
