/** The memory budget, checked before anything is computed. */

import { FaultlineError } from "../contract/failure.ts";
import type { Evaluated, Segmenter } from "../segmenter/segmenter.ts";
import { MemoryBudgetError } from "../segmenter/session-cache.ts";
import { footprintsOf, largestFit, type Searched } from "./largest-fit.ts";
import type { Size } from "../tensor.ts";

/** Whether the objective is evaluated with its gradient. */
export const isGradient = (evaluated: Evaluated): boolean => !("scored" in evaluated);

/**
 * A lower bound on the bytes of a run, from the manifest and the image's size alone. A prediction holds in float32 the image and
 * the logits at its size; an attack by gradients also the image's gradient and the gradient of the logits.
 */
export const leastBytes = (
  { manifest }: Pick<Segmenter, "manifest">,
  { height, width }: Size,
  objectives: readonly Evaluated[],
): number => 4 * height * width * (objectives.some(isGradient) ? 2 : 1) * (3 + manifest.classes.length);

/**
 * Refuses a run that would not fit: attacks with these objectives, or, without objectives, a prediction. It is called before the image is
 * decoded. If the lower bound already exceeds the budget, no graph of that size is compiled.
 *
 * @throws FaultlineError memory-exceeded, with the largest size that would fit.
 */
export const requireMemory = (searched: Searched, size: Size, objectives: readonly Evaluated[]): void => {
  const { cache, segmenter } = searched;
  const { budgetBytes } = cache;
  try {
    const least = leastBytes(segmenter, size, objectives);
    if (least > budgetBytes) throw new MemoryBudgetError(least, budgetBytes);
    for (const footprints of footprintsOf(segmenter, size, objectives)) cache.requireFit(footprints);
  } catch (cause) {
    if (!(cause instanceof MemoryBudgetError)) throw cause;
    const { predictedBytes } = cause;
    const fit = largestFit(searched, size, objectives);
    throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes, largestFit: fit }, { cause });
  }
};
