/** The worst case over several attacks, taken for each image on its own (Croce, Singh, Hein 2024, SEA). */

import { accuracyOf, miouOf } from "./pooled.ts";
import { FLOAT, type Group } from "./store.ts";
import { pooledCounts } from "./tallies.ts";

export interface WorstCase {
  readonly images: number;
  /** The mean over images of the smallest pixel accuracy that an attack left. */
  readonly accuracy: number;
  /**
   * mIoU where for each image the attack is chosen that lowers the mIoU of the whole set most, image after image, in at most five passes.
   * It is an upper bound of the smallest mIoU of all choices, and at most that of each single attack.
   */
  readonly miou: number;
}

const PASSES = 5;

const add = (sums: Float64Array, part: Float64Array, sign: 1 | -1): void => {
  for (let i = 0; i < sums.length; i++) sums[i]! += sign * part[i]!;
};

/** Chooses one attack for each image, from a first choice on. */
const descend = (parts: readonly (readonly Float64Array[])[], first: readonly number[]): number => {
  const chosen = [...first];
  const sums = new Float64Array(parts[0]![0]!.length);
  for (const [i, k] of chosen.entries()) add(sums, parts[i]![k]!, 1);
  let best = miouOf(sums);
  for (let pass = 0; pass < PASSES; pass++) {
    const before = best;
    for (const [i, own] of parts.entries()) {
      add(sums, own[chosen[i]!]!, -1);
      for (const [k, part] of own.entries()) {
        add(sums, part, 1);
        const value = miouOf(sums);
        add(sums, part, -1);
        if (value < best) {
          best = value;
          chosen[i] = k;
        }
      }
      add(sums, own[chosen[i]!]!, 1);
    }
    if (!(best < before)) break;
  }
  return best;
};

/** Images × attacks whose counts are held at once. */
const MAX_CHOICES = 50_000;

/** @returns null where there is nothing to choose, or too much of it. */
export const worstCase = (groups: readonly Group[], items: Int32Array): WorstCase | null => {
  if (groups.length === 0 || items.length === 0 || groups.length * items.length > MAX_CHOICES) return null;
  const parts = Array.from(items, (_, i) =>
    groups.map((group) => pooledCounts(group, items.subarray(i, i + 1), { block: FLOAT })),
  );
  const accuracies = parts.map((own) => own.map(accuracyOf));
  const least = accuracies.map((own) => own.indexOf(Math.min(...own)));
  const defined = accuracies.map((own) => Math.min(...own)).filter((value) => !Number.isNaN(value));
  // Each attack alone is one more start, so that no single attack does better than the worst case.
  const single = groups.map((_, k) => miouOf(pooledCounts(groups[k]!, items, { block: FLOAT })));
  const start = single.indexOf(Math.min(...single));
  const starts = [least.map((k) => Math.max(k, 0)), parts.map(() => Math.max(start, 0))];
  return {
    images: items.length,
    accuracy: defined.reduce((a, b) => a + b, 0) / defined.length,
    miou: Math.min(...starts.map((first) => descend(parts, first))),
  };
};
