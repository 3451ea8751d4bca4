/** The part of an image that an attack puts its own content into: its labels say nothing of the network, and no score counts them. */

import { attackEntry, effectiveOptions } from "../attacks/catalogue.ts";
import type { Square } from "../attacks/entry.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { spatialSize, tensor } from "../tensor.ts";
import type { AttackPlan } from "./plan.ts";

/** The square of a patch on an image [P,H,W]; undefined for attacks that change the whole image. */
export const coveredBy = (plan: AttackPlan, shape: readonly number[]): Square | undefined =>
  attackEntry(plan.attack).covers?.(effectiveOptions(plan.attack, plan, plan), shape);

/** The labels with void where the image is covered. */
export const uncovered = (labels: Labels, square: Square | undefined): Labels => {
  if (!square) return labels;
  const { top, left, side } = square;
  const { width } = spatialSize(labels);
  const data = labels.data.slice();
  for (let y = top; y < top + side; y++) data.fill(255, y * width + left, y * width + left + side);
  return tensor("uint8", labels.shape, data);
};
