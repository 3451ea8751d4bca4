/** Many hypotheses tested at once, so that with probability 1 − α none of those rejected is true. */

/** How the level α is divided among the tests. */
export type Correction = "holm" | "bonferroni";

/**
 * The fewest successes with which a test is rejected; all with as many or more are rejected too. `pValues.length` where none is.
 *
 * Holm (Scandinavian Journal of Statistics 6, 1979) takes the tests by ascending p-value and rejects the i-th of N while
 * p₍ᵢ₎ ≤ α / (N − i + 1). Of equal p-values the first decides for all, because the bound only grows. Bonferroni's bound is α / N.
 * Neither assumes that the tests are independent.
 *
 * @param pValues of each number of successes, descending.
 * @param tests how many tests had each number of successes.
 */
export const fewestRejected = (
  pValues: Float64Array,
  tests: ArrayLike<number>,
  alpha: number,
  correction: Correction,
): number => {
  let total = 0;
  for (let k = 0; k < pValues.length; k++) total += tests[k]!;
  let rejected = 0;
  let fewest = pValues.length;
  for (let k = pValues.length - 1; k >= 0; k--) {
    if (tests[k] === 0) continue;
    if (pValues[k]! > alpha / (correction === "holm" ? total - rejected : total)) break;
    rejected += tests[k]!;
    fewest = k;
  }
  return fewest;
};
