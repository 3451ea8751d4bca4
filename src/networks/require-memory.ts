/** The memory budget, asked before anything is computed. */

import { FaultlineError } from "../contract/failure.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";
import { MemoryBudgetError, type SessionCache } from "../segmenter/session-cache.ts";
import type { Size } from "../segmenter/size.ts";
import { footprintsOf, largestFit } from "./largest-fit.ts";

/** No run takes less: the image, the network's input, and the logits, in float32. */
const leastBytes = ({ manifest }: Segmenter, { height, width }: Size): number =>
  4 * height * width * (3 + 3 + manifest.classes.length);

/**
 * Refuses runs that would not fit: attacks of these objectives, or, without objectives, a prediction. Before the image is decoded; a size far too large even before its graph is compiled.
 *
 * @throws FaultlineError memory-exceeded, with the largest size that would fit.
 */
export const requireMemory = (
  cache: SessionCache,
  segmenter: Segmenter,
  size: Size,
  objectives: readonly Objective[],
): void => {
  const { budgetBytes } = cache;
  try {
    const least = leastBytes(segmenter, size);
    if (least > budgetBytes) throw new MemoryBudgetError(least, budgetBytes);
    for (const footprints of footprintsOf(segmenter, size, objectives)) cache.requireFit(footprints);
  } catch (cause) {
    if (!(cause instanceof MemoryBudgetError)) throw cause;
    const { predictedBytes } = cause;
    const fit = largestFit(segmenter, cache, size, objectives);
    throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes, largestFit: fit }, { cause });
  }
};
