/** Flags on the figures of a report: attacks that ought to do less than another, and do more over the images that both have. */

import { flagsIn, flagsOf, isWhiteBox, type Figure, type Flag } from "../evaluation/orders.ts";
import { groupedBy } from "../grouped.ts";
import { ratioOf } from "./compare.ts";
import { attackName, distanceOf, epsilonOf, isAimed, optionsOf, sourceName } from "./names.ts";
import { commonItems, type Group, type Store } from "./store.ts";

interface Candidate {
  readonly group: Group;
  /** One array for all that have the same. */
  readonly items: Int32Array;
  /** Over all images of the group. */
  readonly figure: Figure;
}

/** A ratio that is undefined compares with nothing. */
const ratioOver = (group: Group, items: Int32Array): number | null => {
  const ratio = ratioOf(group, items);
  return Number.isFinite(ratio) ? ratio : null;
};

/** Finds the items of a group: the same array for groups that have the same. */
const itemsFinder = (store: Store): ((group: Group) => Int32Array) => {
  const known = new Map<string, Int32Array>();
  return (group) => {
    const items = commonItems(store, [group]);
    const key = items.join(" ");
    const shared = known.get(key) ?? items;
    known.set(key, shared);
    return shared;
  };
};

/** Attacks that try to do the worst: those towards labels or on a region do not. */
const candidateOf = (group: Group, itemsOf: (group: Group) => Int32Array): Candidate[] => {
  const { attack, region, evaluations, length } = group;
  const epsilon = epsilonOf(group);
  if (attack === null || epsilon === null || region || isAimed(attack)) return [];
  const items = itemsOf(group);
  const figure = {
    attack: attackName(group),
    epsilon,
    iouRatio: ratioOver(group, items),
    source: sourceName(group),
    gradients: evaluations.backward / length,
    options: optionsOf(group),
  };
  return [{ group, items, figure }];
};

/** Of each kind the flag whose other figure is the lowest. */
const lowest = (flags: readonly Flag[]): readonly Flag[] =>
  [...new Set(flags.map(({ kind }) => kind))].map(
    (kind) => flags.filter((flag) => flag.kind === kind).toSorted((a, b) => a.by.iouRatio! - b.by.iouRatio!)[0]!,
  );

/** The flags of one attack among all of its network: over all images where both have the same, else over those that both have. */
const flagsAmong = (
  own: Candidate,
  all: readonly Candidate[],
  same: (figure: Figure) => readonly Flag[],
): readonly Flag[] => {
  if (!isWhiteBox(own.figure)) return [];
  const apart = all.filter(({ items }) => items !== own.items);
  return lowest([
    ...same(own.figure),
    ...apart.flatMap(({ group, figure }) => {
      const items = own.items.filter((item) => (group.lineOf[item] ?? -1) >= 0);
      if (items.length === 0) return [];
      return flagsOf({ ...own.figure, iouRatio: ratioOver(own.group, items) }, [
        { ...figure, iouRatio: ratioOver(group, items) },
      ]);
    }),
  ]);
};

/** The flags of each group of a report; groups without any are left out. */
export const flagged = (groups: readonly Group[], store: Store): ReadonlyMap<Group, readonly Flag[]> => {
  const itemsOf = itemsFinder(store);
  const sets = groupedBy(
    groups.flatMap((group) => candidateOf(group, itemsOf)),
    ({ group }) => JSON.stringify([group.subject.key, distanceOf(group)]),
  );
  return new Map(
    [...sets.values()].flatMap((set) => {
      const byItems = [...groupedBy(set, ({ items }) => items)];
      const same = new Map(byItems.map(([items, all]) => [items, flagsIn(all.map(({ figure }) => figure))]));
      return set.flatMap((own) => {
        const found = flagsAmong(own, set, same.get(own.items)!);
        return found.length === 0 ? [] : [[own.group, found] as const];
      });
    }),
  );
};
