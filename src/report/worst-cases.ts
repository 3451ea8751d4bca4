/** The worst cases of a report: of each network over all attacks within one ball. */

import type { Better } from "../evaluation/orders.ts";
import { canonicalJson, type Json } from "../evaluation/row.ts";
import { INSIGNIFICANT } from "../evaluation/signs.ts";
import { groupedBy } from "../grouped.ts";
import { distanceOf, epsilonOf } from "./names.ts";
import type { Norm } from "../attacks/norms.ts";
import { scoreGroup } from "./scores.ts";
import { commonItems, type Group, type Store, type Subject } from "./store.ts";
import { worstCase, type WorstCase } from "./worst.ts";

export interface Worst extends WorstCase {
  /** The attacks that it was taken over: those of several seeds count once. */
  readonly attacks: number;
  readonly network: string;
  readonly epsilon: number;
  readonly norm: Norm;
  readonly cleanMiou: number | null;
  readonly iouRatio: number | null;
  /** Images that were made on another network, where they do more. */
  readonly better: Better | null;
}

/** What a cell says of images that were made on another network. */
interface Made {
  readonly network: string;
  readonly norm: Norm;
  readonly epsilon: number | null;
  readonly iouRatio: { readonly value: number | null };
  readonly attack: string;
  readonly source: string | null;
  readonly region: object | null;
}

/** The strongest of the images that were made on other networks, where it does more than the worst case of all others. */
const betterThan = (worst: Omit<Worst, "better">, cells: readonly Made[]): Better | null => {
  const { network, norm, epsilon, iouRatio } = worst;
  const [best] = cells
    .filter((cell) => cell.network === network && cell.norm === norm && cell.epsilon === epsilon)
    .filter((cell) => cell.source !== null && !cell.region)
    .filter((cell) => cell.iouRatio.value !== null && (iouRatio ?? 0) - cell.iouRatio.value > INSIGNIFICANT)
    .toSorted((a, b) => a.iouRatio.value! - b.iouRatio.value!);
  return best ? { attack: best.attack, epsilon, source: best.source, iouRatio: best.iouRatio.value } : null;
};

/** @param cells what each worst case is compared with. */
export const worstOf = (
  groups: readonly Group[],
  store: Store,
  nameOf: (subject: Subject) => string,
  cells: readonly Made[],
): Worst[] => {
  const sets = groupedBy(
    // An attack on a region does not try to do the worst.
    groups.filter((group) => epsilonOf(group) !== null && group.source === null && !group.region),
    (group) => canonicalJson([group.subject.key, epsilonOf(group), distanceOf(group)]),
  );
  return [...sets.values()].flatMap((own) => {
    const [first] = own;
    if (!first || own.length < 2) return [];
    const items = commonItems(store, own);
    const found = worstCase(own, items);
    if (!found) return [];
    const cleanMiou = scoreGroup(first, items, null).clean.miou;
    const worst = {
      images: found.images,
      attacks: new Set(own.map(({ attack }) => canonicalJson(attack as Json))).size,
      accuracy: found.accuracy,
      miou: found.miou,
      network: nameOf(first.subject),
      epsilon: epsilonOf(first)!,
      norm: distanceOf(first),
      cleanMiou,
      iouRatio: cleanMiou ? found.miou / cleanMiou : null,
    };
    return [{ ...worst, better: betterThan(worst, cells) }];
  });
};
