/** How much memory the workers of a run need, and how many fit. */

import { evaluatedBy } from "../evaluation/plan.ts";
import { addsDelta, isTargeted, type AttackOf } from "../evaluation/attacks-of.ts";
import { footprintsOf } from "../networks/largest-fit.ts";
import type { Backend } from "../runtime/session.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";
import { MemoryBudgetError, type SessionCache } from "../segmenter/session-cache.ts";
import type { Size } from "../tensor.ts";

/** All that WASM can address, but for a page. */
const MAX_WASM_BYTES = 2 ** 31;

/** What the sessions of one worker may take at most on a backend: native ones take what there is. */
export const mostBytesOn = (backend: Backend): number => (backend === "native" ? Infinity : MAX_WASM_BYTES);

/** Predicted bytes of the largest run of these attacks on an image of that size: a prediction, or an attack. */
export const predictedBytes = (
  segmenter: Segmenter,
  cache: SessionCache,
  attacks: readonly AttackOf[],
  size: Size,
): number => {
  const made = attacks.filter((attack) => !addsDelta(attack));
  const kinds = (targeted: boolean) => {
    const aimed = made.filter((attack) => isTargeted(attack) === targeted);
    const weighted = aimed.filter(({ classWeights }) => classWeights);
    const others = aimed.filter(({ classWeights }) => !classWeights);
    const names = (some: typeof aimed) => [...new Set(some.map(({ attack }) => attack))];
    return [
      ...evaluatedBy(names(others), targeted),
      ...evaluatedBy(names(weighted), targeted, weighted[0]?.classWeights),
    ];
  };
  const evaluated = [...kinds(false), ...kinds(true)];
  return Math.max(...footprintsOf(segmenter, size, evaluated).map((sessions) => cache.predict(sessions)));
};

export interface Share {
  readonly workers: number;
  /** Bytes of the sessions of each. */
  readonly budgetBytes: number;
  /** Of the largest run. */
  readonly predictedBytes: number;
}

/**
 * The most workers, up to `wanted`, whose largest runs fit together.
 *
 * @param needOf the predicted bytes of the largest run within a budget, which recomputation depends on.
 * @param mostBytes of one worker; default: what WASM can address.
 * @throws MemoryBudgetError where not even one fits.
 */
export const shareMemory = async (
  wanted: number,
  totalBytes: number,
  needOf: (budgetBytes: number) => number | Promise<number>,
  mostBytes: number = MAX_WASM_BYTES,
): Promise<Share> => {
  for (let workers = wanted; ; workers--) {
    const budgetBytes = Math.min(mostBytes, Math.floor(totalBytes / workers));
    const need = await needOf(budgetBytes);
    if (need <= budgetBytes) return { workers, budgetBytes, predictedBytes: need };
    if (workers <= 1) throw new MemoryBudgetError(need, budgetBytes);
  }
};
