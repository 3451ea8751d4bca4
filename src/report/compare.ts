/** Whether one network is more fragile than another: paired differences over the same images, and the spread that chaos makes. */

import { canonicalJson, type Json } from "../evaluation/row.ts";
import { groupedBy } from "../grouped.ts";
import { intervalOf, type Interval } from "./bootstrap.ts";
import { attackName, distanceOf, epsilonOf } from "./names.ts";
import type { Norm } from "../attacks/norms.ts";
import { miouOf } from "./pooled.ts";
import type { Resampling } from "./resampling.ts";
import { commonItems, FLOAT, type Group, type Store, type Subject } from "./store.ts";
import { pooledClean, pooledCounts } from "./tallies.ts";

/** The range of the IoU ratio over repeats from starts that differ by 1e-3 grey levels. */
export interface Chaos {
  readonly repeats: number;
  readonly low: number;
  readonly high: number;
}

export interface Difference {
  readonly baseline: string;
  readonly network: string;
  readonly attack: string;
  /** The attack as it is shown: as in cells. */
  readonly label: string;
  readonly seed: number;
  readonly norm: Norm;
  readonly epsilon: number | null;
  /** Images that both have. */
  readonly images: number;
  /** IoU ratio of `network` − that of `baseline`, in points of 0..100; negative is more fragile. */
  readonly points: number;
  readonly interval: Interval | null;
  /** How far the repeats alone move the difference, in points; null where nothing was repeated. */
  readonly chaos: number | null;
  readonly verdict: "more fragile" | "less fragile" | "undecided";
  readonly reason: string;
}

/** Groups that differ in their repeat alone. */
const siblingKey = (group: Group): string => {
  const { attack, subject, seed, source } = group;
  return canonicalJson([subject.key, attack, seed, source as unknown as Json]);
};

/** Repeats of each attack, the attack itself first. */
export const siblings = (store: Store): ReadonlyMap<string, readonly Group[]> => {
  const families = groupedBy(store.groups.values(), siblingKey);
  return new Map([...families].map(([key, own]) => [key, own.toSorted((a, b) => (a.repeat ?? 0) - (b.repeat ?? 0))]));
};

/** Over the items, pooled; NaN where it is undefined. */
export const ratioOf = (group: Group, items: Int32Array): number =>
  miouOf(pooledCounts(group, items, { block: FLOAT })) / miouOf(pooledClean(group.subject, items));

/** @returns null where the attack was not repeated. */
export const chaosOf = (repeats: readonly Group[], store: Store): Chaos | null => {
  if (repeats.length < 2) return null;
  const items = commonItems(store, repeats);
  const ratios = repeats.map((group) => ratioOf(group, items)).filter((ratio) => Number.isFinite(ratio));
  if (items.length === 0 || ratios.length < 2) return null;
  return { repeats: repeats.length - 1, low: Math.min(...ratios), high: Math.max(...ratios) };
};

export interface Comparison {
  readonly baseline: Group;
  readonly network: Group;
  readonly chaos: readonly (Chaos | null)[];
  readonly resampling: Resampling;
  readonly nameOf: (subject: Subject) => string;
  readonly labelOf: (group: Group) => string;
}

const signed = (points: number): string => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;

/** "−4.1 [−5.2, −3.0] points". */
export const pointsText = ({ points, interval }: Pick<Difference, "points" | "interval">): string =>
  `${signed(points)}${interval ? ` [${signed(interval.low)}, ${signed(interval.high)}]` : ""} points`;

const judge = (
  points: number,
  interval: Interval | null,
  chaos: number | null,
): Pick<Difference, "verdict" | "reason"> => {
  if (!interval) return { verdict: "undecided", reason: "there are too few images for an interval" };
  if (interval.low <= 0 && interval.high >= 0) return { verdict: "undecided", reason: "the 95 % interval holds 0" };
  if (chaos !== null && Math.abs(points) <= chaos)
    return { verdict: "undecided", reason: `repeats alone move the difference by ${chaos.toFixed(1)} points` };
  const reason =
    chaos === null
      ? "the 95 % interval over images excludes 0; no repeats were made, so that the spread by chaos is unknown"
      : "the 95 % interval excludes 0, and repeats move it less";
  return { verdict: points < 0 ? "more fragile" : "less fragile", reason };
};

/** @returns null where the two share no image, or a ratio is undefined. */
export const compare = (store: Store, comparison: Comparison): Difference | null => {
  const { baseline, network, chaos, resampling, nameOf, labelOf } = comparison;
  const items = commonItems(store, [baseline, network]);
  if (items.length === 0) return null;
  const points = 100 * (ratioOf(network, items) - ratioOf(baseline, items));
  if (!Number.isFinite(points)) return null;
  const [own, other] = [resampling.ratios(network, items), resampling.ratios(baseline, items)];
  const interval = own && other && intervalOf(own.map((ratio, b) => 100 * (ratio - other[b]!)));
  const ranges = chaos.flatMap((one) => (one ? [one.high - one.low] : []));
  const moved = ranges.length === 0 ? null : 100 * ranges.reduce((a, b) => a + b, 0);
  return {
    baseline: nameOf(baseline.subject),
    network: nameOf(network.subject),
    attack: attackName(network),
    label: labelOf(network),
    seed: network.seed,
    norm: distanceOf(network),
    epsilon: epsilonOf(network),
    images: items.length,
    points,
    interval,
    chaos: moved,
    ...judge(points, interval, moved),
  };
};
