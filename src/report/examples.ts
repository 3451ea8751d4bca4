/** Which units of a report are worth a look, and their pictures as a page shows them. */

import type { Unit } from "../evaluation/row.ts";
import { accuracyOf, miouOf } from "./pooled.ts";
import { attackLabels, epsilonOf } from "./names.ts";
import { commonItems, FLOAT, type Group, type Store } from "./store.ts";
import { pooledClean, pooledCounts } from "./tallies.ts";

/** A unit whose pictures are shown. */
export interface Example {
  readonly model: string;
  readonly attack: string;
  readonly epsilon: number | null;
  readonly item: string;
  /** Share of the pixels that are right, clean and attacked. */
  readonly accuracy: { readonly clean: number; readonly attacked: number };
  /** True positives by class of the attacked picture, by which a unit that is run again is known to be the same. */
  readonly truePositive: readonly number[];
  readonly unit: Unit;
}

/** A picture of an example: PNG bytes as a data URL. */
export interface ShownPicture {
  readonly title: string;
  readonly url: string;
}

export interface ShownExample {
  readonly caption: string;
  readonly pictures: readonly ShownPicture[];
}

const one = (item: number): Int32Array => Int32Array.of(item);

const ratioOf = (store: Store, group: Group): number => {
  const items = commonItems(store, [group]);
  return miouOf(pooledCounts(group, items, { block: FLOAT })) / miouOf(pooledClean(group.subject, items));
};

/** The image whose accuracy under the attack is the median: neither the best nor the worst that the attack does. */
const typicalItem = (store: Store, group: Group): number => {
  const items = Array.from(commonItems(store, [group]));
  const accuracies = new Map(
    items.map((item) => [item, accuracyOf(pooledCounts(group, one(item), { block: FLOAT }))] as const),
  );
  const ordered = items.toSorted((a, b) => accuracies.get(a)! - accuracies.get(b)!);
  return ordered[Math.floor((ordered.length - 1) / 2)]!;
};

const exampleOf = (store: Store, group: Group, attackOf: (group: Group) => string): Example => {
  const item = typicalItem(store, group);
  const { subject, attack, seed } = group;
  const attacked = pooledCounts(group, one(item), { block: FLOAT });
  return {
    model: subject.model,
    attack: attackOf(group),
    epsilon: epsilonOf(group),
    item: store.items[item]!,
    accuracy: { clean: accuracyOf(pooledClean(subject, one(item))), attacked: accuracyOf(attacked) },
    truePositive: Array.from(attacked.subarray(0, subject.classes)),
    unit: {
      networkSha256: subject.networkSha256,
      attack,
      around: subject.around,
      item: store.items[item]!,
      seed,
    },
  };
};

/** At most `count` units: of each network its most effective white-box attack, on the image where it does what it typically does. */
export const examplesOf = (store: Store, count: number): readonly Example[] => {
  const strongest = new Map<string, { readonly group: Group; readonly ratio: number }>();
  for (const group of store.groups.values()) {
    if (group.attack === null || group.source !== null || group.repeat !== undefined) continue;
    const ratio = ratioOf(store, group);
    const known = strongest.get(group.subject.key);
    if (!Number.isNaN(ratio) && (!known || ratio < known.ratio)) strongest.set(group.subject.key, { group, ratio });
  }
  const attackOf = attackLabels(store.groups.values());
  return [...strongest.values()].slice(0, count).map(({ group }) => exampleOf(store, group, attackOf));
};
