/** Weights of classes that are given, in place of those of a class-balanced loss, which follow from the labels at hand. */

import { classBalanced } from "../attacks/option-faults.ts";
import type { ObjectiveName } from "../objectives/catalogue.ts";

/** One for each class of the network, in their order, such as 1/N of each class in the training set. */
export type ClassWeights = readonly number[];

/** The objective in whose place weights are given. */
const given: ObjectiveName = "class-weighted-cross-entropy";

/** The objective with weights in place of its own, where it has any. */
export const objectiveWith = (name: string, weights: ClassWeights | undefined): string =>
  weights && name === classBalanced ? given : name;

/** What is wrong with weights for a network of these classes; null for nothing. */
export const weightsFault = (weights: ClassWeights, classes: readonly unknown[]): string | null => {
  if (weights.length !== classes.length)
    return `must have a weight for each of the model's ${classes.length} classes, in their order; there are ${weights.length}`;
  if (!weights.every((weight) => weight >= 0 && Number.isFinite(Math.fround(weight))))
    return "must be numbers of at least 0 that are finite in float32";
  return weights.some((weight) => Math.fround(weight) > 0) ? null : "must have a weight above 0";
};
