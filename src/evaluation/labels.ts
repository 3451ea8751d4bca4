/** Small helpers on maps of labels and of confidence. */

import type { Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";

export const meanOf = (values: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!; // An iterator would make an object of each number.
  return sum / values.length;
};

/** A map of one class, as large as `like`. */
export const filledLabels = ({ shape, data }: Labels, value: number): Labels =>
  tensor("uint8", shape, new Uint8Array(data.length).fill(value));

/** Predictions of outputs that are no class of the manifest become void: they cannot serve as a reference. */
export const voidedBeyond = ({ shape, data }: Labels, classes: number): Labels =>
  tensor("uint8", shape, voided(data, classes));

const voided = (labels: Uint8Array, classes: number): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(labels.length);
  for (let i = 0; i < out.length; i++) out[i] = labels[i]! < classes ? labels[i]! : 255;
  return out;
};

/** Share of the pixels of each class, 0..1. */
export const classShares = ({ data }: Labels, classes: number): number[] => {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of data) if (label < classes) counts[label]!++;
  return counts.map((count) => count / data.length);
};
