/** Small helpers on label maps. */

import type { Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";

/** A map of one class, as large as `like`. */
export const filledLabels = ({ shape, data }: Labels, value: number): Labels =>
  tensor("uint8", shape, new Uint8Array(data.length).fill(value));

/** Share of the pixels of each class, 0..1. */
export const classShares = ({ data }: Labels, classes: number): number[] => {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of data) if (label < classes) counts[label]!++;
  return counts.map((count) => count / data.length);
};
