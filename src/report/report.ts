/** A report as data, from rows: what Markdown, HTML, gates and exports are written from. */

import type { Flag } from "../evaluation/orders.ts";
import { canonicalJson, type Json } from "../evaluation/row.ts";
import { groupedBy } from "../grouped.ts";
import { replicatesFor } from "./bootstrap.ts";
import type { CertificateRow } from "./certificate-row.ts";
import { certifiedAxes, type CertifiedAxis } from "./certified.ts";
import { flagged } from "./flags.ts";
import { chaosOf, compare, siblings, type Chaos, type Difference } from "./compare.ts";
import {
  attackInNorm,
  attackLabels,
  attackName,
  distanceOf,
  epsilonOf,
  optionsOf,
  sourceName,
  uniqueNames,
} from "./names.ts";
import type { Norm } from "../attacks/norms.ts";
import { createResampling } from "./resampling.ts";
import type { RunFacts } from "./run-facts.ts";
import { scoreGroup, type GroupScores } from "./scores.ts";
import { commonItems, type Group, type Store, type Subject } from "./store.ts";
import { worstOf, type Worst } from "./worst-cases.ts";

/** One attack at one radius on one network. */
export interface Cell extends GroupScores {
  readonly network: string;
  readonly networkSha256: string;
  readonly around: Json;
  /** The name of the network alone. */
  readonly model: string;
  /** The network that the images were made on, where it is another one. */
  readonly source: string | null;
  readonly sourceModel: string | null;
  /** Whether the source has the scored network's own file: at other scales, or in an ensemble. It is no black box then. */
  readonly sourceHasNetwork: boolean;
  readonly attack: string;
  /** The attack as it is shown: with its norm where that is L2, and with its seed where the rows have several. */
  readonly label: string;
  readonly norm: Norm;
  readonly epsilon: number | null;
  readonly options: Json;
  readonly seed: number;
  readonly chaos: Chaos | null;
  readonly masking: { readonly zeroGradientShare: number; readonly confidence: number };
  readonly evaluations: { readonly forward: number; readonly backward: number };
  /** Of attacks on a region: the share of its pixels that have the label to approach, and of the others those that kept theirs. */
  readonly region: { readonly reached: number | null; readonly kept: number | null } | null;
  /** Kinds of signs that the attack is weaker than it seems, with the number of images that show them. */
  readonly signs: Readonly<Record<string, number>>;
  /** Attacks that ought to do less on the same images and do more: while there are any, this cell is no bound and is not quoted alone. */
  readonly flags: readonly Flag[];
}

export interface ReportData {
  readonly schema: 1;
  readonly title: string;
  readonly networks: readonly {
    readonly name: string;
    readonly model: string;
    readonly sha256: string;
    readonly reference: string;
    readonly precision: string | null;
    readonly architecture: string | null;
  }[];
  readonly classes: readonly string[];
  readonly rows: number;
  /** Rows that came more than once. */
  readonly repeatedRows: number;
  readonly images: number;
  readonly bootstrap: { readonly replicates: number; readonly seed: number; readonly kind: "percentile" };
  readonly cells: readonly Cell[];
  readonly worst: readonly Worst[];
  readonly differences: readonly Difference[];
  /** Certificates beside L2 attacks; empty where none were given. */
  readonly certified: readonly CertifiedAxis[];
  readonly receipts: readonly string[];
  readonly runs: readonly RunFacts[];
}

export interface ReportOptions {
  readonly title?: string | undefined;
  readonly seed?: number | undefined;
  readonly runs?: readonly RunFacts[] | undefined;
  readonly certificates?: readonly CertificateRow[] | undefined;
  /** Replicates of the bootstrap; by default as many as a bounded amount of work allows, from 200 to 2000. */
  readonly replicates?: number | undefined;
}

/** Pairs are compared each with each up to here, and with the first network beyond. */
const MAX_PAIRED = 5;

const isUnrepeated = ({ repeat }: Group): boolean => repeat === undefined;

const byAttack = (a: Group, b: Group): number => {
  const [one, other] = [attackInNorm(a), attackInNorm(b)];
  if (one !== other) return one < other ? -1 : 1;
  return (epsilonOf(a) ?? -1) - (epsilonOf(b) ?? -1) || a.seed - b.seed;
};

const regionShares = ({ pixels, reached, elsewhere, kept }: NonNullable<Group["region"]>): Cell["region"] => ({
  reached: pixels === 0 ? null : reached / pixels,
  kept: elsewhere === 0 ? null : kept / elsewhere,
});

/** The index of each subject, in the order of the rows. */
const ranks = (store: Store): ReadonlyMap<Subject, number> =>
  new Map([...store.subjects.values()].map((subject, i) => [subject, i]));

/** Pairs of groups that differ in the network alone. */
const pairsOf = (groups: readonly Group[], rank: ReadonlyMap<Subject, number>): (readonly [Group, Group])[] => {
  const sets = groupedBy(
    groups.filter(({ attack, source }) => attack !== null && source === null),
    ({ attack, seed, subject }) => canonicalJson([attack, seed, { ...subject.around }, subject.reference]),
  );
  return [...sets.values()].flatMap((own) => {
    const ordered = own.toSorted((a, b) => rank.get(a.subject)! - rank.get(b.subject)!);
    const all = ordered.length <= MAX_PAIRED;
    return ordered.flatMap((a, i) => (all || i === 0 ? ordered.slice(i + 1).map((b) => [a, b] as const) : []));
  });
};

/**
 * Builds the report. The same rows give the same report, in whatever order they came.
 *
 * @throws RowError where a certificate and a row disagree on the reference of an image.
 */
export const buildReport = (store: Store, options: ReportOptions = {}): ReportData => {
  const { seed = 0, runs = [], certificates = [] } = options;
  const families = siblings(store);
  const heads = [...families.values()].map(([head]) => head!).filter(isUnrepeated);
  const rank = ranks(store);
  const nameOf = uniqueNames(store.subjects.values());
  const labelOf = attackLabels(store.groups.values());
  const ordered = heads.toSorted((a, b) => rank.get(a.subject)! - rank.get(b.subject)! || byAttack(a, b));
  const counts = ordered.reduce((total, { length, subject }) => total + 2 * length * subject.classes, 0);
  const replicates = options.replicates ?? replicatesFor(counts);
  const resampling = createResampling(replicates, seed);
  const flags = flagged(ordered, store);
  const chaos = new Map([...families.values()].map((own) => [own[0]!, chaosOf(own, store)]));
  const cells = ordered.map((group): Cell => {
    const items = commonItems(store, [group]);
    const { subject, length, source } = group;
    return {
      network: nameOf(subject),
      networkSha256: subject.networkSha256,
      around: (subject.around ?? null) as unknown as Json,
      model: subject.model,
      source: sourceName(group),
      sourceModel: source && source.model,
      sourceHasNetwork: source !== null && source.sha256.split("+").includes(subject.networkSha256),
      attack: attackName(group),
      label: labelOf(group),
      norm: distanceOf(group),
      epsilon: epsilonOf(group),
      options: optionsOf(group),
      seed: group.seed,
      chaos: chaos.get(group) ?? null,
      masking: {
        zeroGradientShare: group.masking.zeroGradientShare / length,
        confidence: group.masking.confidence / length,
      },
      evaluations: group.evaluations,
      region: group.region && regionShares(group.region),
      signs: Object.fromEntries([...group.signs].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      flags: flags.get(group) ?? [],
      ...scoreGroup(group, items, resampling),
    };
  });
  const differences = pairsOf(ordered, rank).flatMap(([baseline, network]) => {
    const both = [chaos.get(baseline) ?? null, chaos.get(network) ?? null];
    return compare(store, { baseline, network, chaos: both, resampling, nameOf, labelOf }) ?? [];
  });
  const facts = runs.flatMap(({ networks }) => networks);
  const C = Math.max(0, ...[...store.subjects.values()].map(({ classes }) => classes));
  const named = facts.find(({ classes }) => classes.length === C)?.classes ?? [];
  const { rows, repeated } = store.counted();
  return {
    schema: 1,
    title: options.title ?? "Robustness of segmentation networks",
    networks: [...store.subjects.values()].map((subject) => {
      const fact = facts.find(({ sha256 }) => sha256 === subject.networkSha256);
      return {
        name: nameOf(subject),
        model: subject.model,
        sha256: subject.networkSha256,
        reference: subject.reference,
        precision: fact?.precision ?? null,
        architecture: fact?.architecture ?? null,
      };
    }),
    classes: Array.from({ length: C }, (_, c) => named[c] ?? `class ${c}`),
    rows,
    repeatedRows: repeated,
    images: store.items.length,
    bootstrap: { replicates, seed, kind: "percentile" },
    cells,
    worst: worstOf(ordered, store, nameOf, cells),
    differences,
    certified: certifiedAxes(store, certificates, nameOf),
    receipts: [...store.receipts].toSorted(),
    runs,
  };
};
