/** The memory budget, checked before anything is computed. */

import { FaultlineError } from "../contract/failure.ts";
import type { Evaluated, Segmenter } from "../segmenter/segmenter.ts";
import { RecentlyUsed } from "../segmenter/recently-used.ts";
import { MemoryBudgetError } from "../segmenter/session-cache.ts";
import { leastBytes } from "./least-bytes.ts";
import { footprintsIn, largestFit, type Searched } from "./largest-fit.ts";
import type { Size } from "../tensor.ts";

/** Maximum number of remembered searches for each segmenter. */
const REMEMBERED = 64;

/** The results of earlier searches: a refusal that is repeated compiles nothing. */
const searches = new WeakMap<Segmenter, RecentlyUsed<Size | null>>();

const rememberedFit = (searched: Searched, size: Size, objectives: readonly Evaluated[]): Size | null => {
  const { segmenter, cache } = searched;
  const known = searches.get(segmenter) ?? new RecentlyUsed<Size | null>(REMEMBERED);
  searches.set(segmenter, known);
  const names = objectives.map((o) => ("scored" in o ? `value of ${o.scored.key}` : o.key));
  const what = searched.runs?.name ?? names.join(", ");
  const key = `${size.width}×${size.height} in ${cache.budgetBytes}: ${what}`;
  const found = known.get(key);
  const fit = found === undefined ? largestFit(searched, size, objectives) : found;
  known.set(key, fit);
  return fit;
};

/**
 * Refuses a run that would not fit: attacks with these objectives, or, without objectives, a prediction, or other runs that are named. It is called before the image is
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
    for (const footprints of footprintsIn(searched, size, objectives)) cache.requireFit(footprints);
  } catch (cause) {
    if (!(cause instanceof MemoryBudgetError)) throw cause;
    const { predictedBytes } = cause;
    const fit = rememberedFit(searched, size, objectives);
    throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes, largestFit: fit }, { cause });
  }
};
