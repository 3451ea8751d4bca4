/** A random part of a data set, the same for the same seed. */

import { random } from "../random.ts";

/**
 * `count` of the items, each as likely as any other, in the order in which they stand (Fan, Muller, Rezucha 1962: selection sampling).
 * All where there are not more.
 */
export const chosen = <T>(items: readonly T[], count: number, seed: number): readonly T[] => {
  const next = random(seed);
  let wanted = Math.min(count, items.length);
  return items.filter((_, i) => {
    if (next() * (items.length - i) >= wanted) return false;
    wanted -= 1;
    return true;
  });
};
