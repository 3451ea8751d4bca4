/** Flags on the figures of a report: attacks that ought to do less than another, and do more over the images that both have. */

import { flagsOf, type Figure, type Flag } from "../evaluation/orders.ts";
import { ratioOf } from "./compare.ts";
import { attackName, distanceOf, epsilonOf, optionsOf, sourceName } from "./names.ts";
import { commonItems, type Group, type Store } from "./store.ts";

interface Candidate {
  readonly group: Group;
  readonly items: Int32Array;
  /** Over all images of the group. */
  readonly figure: Figure;
}

/** A ratio that is undefined compares with nothing. */
const ratioOver = (group: Group, items: Int32Array): number | null => {
  const ratio = ratioOf(group, items);
  return Number.isFinite(ratio) ? ratio : null;
};

/** Attacks that try to do the worst: those towards labels or on a region do not. */
const candidateOf = (group: Group, store: Store): Candidate[] => {
  const { attack, region, evaluations, length } = group;
  const epsilon = epsilonOf(group);
  if (attack === null || epsilon === null || region) return [];
  if (attack["target"] !== undefined || attack["targeted"] !== undefined) return [];
  const items = commonItems(store, [group]);
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

/** The flags of one attack among others of its network: over all images where both have the same, else over those that both have. */
const flagsAmong = (own: Candidate, others: readonly Candidate[]): readonly Flag[] => {
  const compared = others.map((other) => {
    const items = own.items.filter((item) => (other.group.lineOf[item] ?? -1) >= 0);
    return { other, items, isSame: items.length === own.items.length && items.length === other.items.length };
  });
  const same = compared.filter(({ isSame }) => isSame).map(({ other }) => other.figure);
  const apart = compared.filter(({ isSame, items }) => !isSame && items.length > 0);
  return lowest([
    ...flagsOf(own.figure, same),
    ...apart.flatMap(({ other, items }) =>
      flagsOf({ ...own.figure, iouRatio: ratioOver(own.group, items) }, [
        { ...other.figure, iouRatio: ratioOver(other.group, items) },
      ]),
    ),
  ]);
};

/** The flags of each group of a report; groups without any are left out. */
export const flagged = (groups: readonly Group[], store: Store): ReadonlyMap<Group, readonly Flag[]> => {
  const sets = new Map<string, Candidate[]>();
  for (const candidate of groups.flatMap((group) => candidateOf(group, store))) {
    const key = JSON.stringify([candidate.group.subject.key, distanceOf(candidate.group)]);
    const set = sets.get(key) ?? [];
    sets.set(key, set);
    set.push(candidate);
  }
  return new Map(
    [...sets.values()].flatMap((set) =>
      set.flatMap((own) => {
        const found = flagsAmong(
          own,
          set.filter((other) => other !== own),
        );
        return found.length === 0 ? [] : [[own.group, found] as const];
      }),
    ),
  );
};
