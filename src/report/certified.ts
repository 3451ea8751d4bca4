/** Certificates and attacks of one norm on one axis, the radius: what is proved, what is broken, and between them what nobody knows. */

import type { Json } from "../evaluation/row.ts";
import { mergeCounts, scoresOf, sum, type ClassCounts } from "../metrics/counts.ts";
import { byOf, familiesOf, normOf, type CertifiedBy, type Family } from "./certificate-families.ts";
import type { CertificateRow } from "./certificate-row.ts";
import { attackName, distanceOf, epsilonOf } from "./names.ts";
import type { Norm } from "../attacks/norms.ts";
import { leastMiou } from "./pooled.ts";
import { RowError } from "./read-row.ts";
import { FLOAT, type Group, type Store, type Subject } from "./store.ts";
import { asCounts, pooledClean, pooledCounts } from "./tallies.ts";

/** Shares from 0 to 1; null where no pixel counts. */
interface Shares {
  readonly accuracy: number | null;
  readonly miou: number | null;
}

/** The certificates of one kind at one radius over all images. */
export interface CertifiedLine extends Shares, CertifiedBy {
  /** Grey levels, in the axis's norm. */
  readonly radius: number;
  /** Lower bound of the mIoU, whatever the abstained pixels become; `miou` takes them for wrong and for no class's false positives. */
  readonly leastMiou: number | null;
  readonly abstained: number | null;
  readonly wrong: number | null;
}

/** What an attack leaves right where its perturbations are at most `radius` long: an upper bound of what every attack leaves. */
export interface AttackedPoint extends Shares {
  readonly attack: string;
  readonly radius: number;
}

/** Between two radii: at least `proved`, and at most `unbroken`, which is null where no attack was made on these images. */
export interface AxisStep {
  readonly from: number;
  /** Null for the last: nothing is known beyond. */
  readonly to: number | null;
  readonly proved: Shares;
  readonly unbroken: Shares | null;
}

export interface CertifiedAxis {
  readonly network: string;
  readonly networkSha256: string;
  readonly images: number;
  /** The norm of the radii: L2 of the smoothed network's certificates, L∞ of the bounds of the network itself. */
  readonly norm: Norm;
  /** Whether the attacks climbed the network through Gaussian noise. */
  readonly throughNoise: boolean;
  readonly certificates: readonly CertifiedLine[];
  /** The clean images at radius 0, then attacks. */
  readonly attacks: readonly AttackedPoint[];
  readonly steps: readonly AxisStep[];
}

/** Distances of an attack at which it is scored; the others lie between. */
const MAX_RADII = 60;

const lineOf = (rows: readonly CertificateRow[]): CertifiedLine => {
  const counts = rows.map((row) => row.counts).reduce(mergeCounts);
  const { pixelAccuracy, miou, pixels } = scoresOf(counts);
  const abstained = sum(rows.map((row) => row.abstained));
  const share = pixels === 0 ? null : abstained / pixels;
  return {
    ...byOf(rows[0]!),
    radius: rows[0]!.radius,
    accuracy: pixelAccuracy,
    miou,
    leastMiou: leastMiou(counts, abstained),
    abstained: share,
    wrong: pixelAccuracy === null || share === null ? null : Math.max(0, 1 - pixelAccuracy - share),
  };
};

const sharesOf = (counts: ClassCounts): Shares => {
  const { pixelAccuracy, miou } = scoresOf(counts);
  return { accuracy: pixelAccuracy, miou };
};

/**
 * An attack at each radius: an image counts as attacked from the length of its perturbation on, and as clean before. An attack in a ball has its ε as
 * length, one of minimum norm the distance of its row, whether or not it reached its goal.
 */
const pointsOf = (group: Group, items: Int32Array): readonly AttackedPoint[] => {
  const lengthOf = (item: number): number => {
    const line = group.lineOf[item] ?? -1;
    if (line < 0) return Number.POSITIVE_INFINITY;
    const distance = group.distances[2 * line]!;
    return group.success[line] === 2 ? (epsilonOf(group) ?? distance) : distance;
  };
  const lengths = Float64Array.from(items, lengthOf);
  const all = [...new Set(lengths)].filter(Number.isFinite).toSorted((a, b) => a - b);
  const radii = all.filter((_, i) => all.length <= MAX_RADII || i % Math.ceil(all.length / MAX_RADII) === 0);
  return radii.map((radius) => {
    const attacked = pooledCounts(
      group,
      items.filter((_, i) => lengths[i]! <= radius),
      { block: FLOAT },
    );
    const clean = pooledClean(
      group.subject,
      items.filter((_, i) => lengths[i]! > radius),
    );
    return { attack: attackName(group), radius, ...sharesOf(asCounts(attacked.map((n, i) => n + clean[i]!))) };
  });
};

const extreme = (pick: (...values: number[]) => number, values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
};

/** The bounds at a radius: a certificate holds below its radius, and what an attack broke stays broken at larger ones. */
export const boundsAt = (
  { certificates, attacks }: Pick<CertifiedAxis, "certificates" | "attacks">,
  { above, below }: { readonly above: number; readonly below: number },
): Pick<AxisStep, "proved" | "unbroken"> => {
  const proved = certificates.filter(({ radius }) => radius >= below);
  const broken = attacks.filter(({ radius }) => radius <= above);
  const least = (of: readonly (number | null)[]): number => extreme(Math.max, of) ?? 0;
  const most = (of: readonly (number | null)[]): number | null => extreme(Math.min, of);
  return {
    proved: {
      accuracy: least(proved.map(({ accuracy }) => accuracy)),
      miou: least(proved.map((line) => line.leastMiou)),
    },
    unbroken:
      broken.length === 0
        ? null
        : { accuracy: most(broken.map(({ accuracy }) => accuracy)), miou: most(broken.map(({ miou }) => miou)) },
  };
};

const stepsOf = (bounds: Pick<CertifiedAxis, "certificates" | "attacks">): readonly AxisStep[] => {
  const all = [...bounds.certificates, ...bounds.attacks].map(({ radius }) => radius);
  const radii = [...new Set([0, ...all])].toSorted((a, b) => a - b);
  return radii.map((from, i) => {
    const to = radii[i + 1] ?? null;
    return { from, to, ...boundsAt(bounds, { above: from, below: to ?? Number.POSITIVE_INFINITY }) };
  });
};

/** Whether a subject is the network alone, or the network behind Gaussian noise and nothing else; null for others. */
const throughNoise = ({ around }: Subject): boolean | null => {
  const { transform, through: _, draws: __, seed: ___, ...others } = around ?? {};
  if (Object.keys(others).length > 0) return null;
  if (transform === undefined) return false;
  const isNoise = transform.every((one) => (one as { readonly name?: Json } | null)?.name === "noise");
  return transform.length > 0 && isNoise ? true : null;
};

/** A certificate of each picture that has all of them. */
const completeIn = (family: Family): readonly CertificateRow[] => {
  const [first, ...others] = family.values();
  return [...first!.values()].filter(({ picture }) => others.every((line) => line.has(picture.sha256)));
};

const linesOver = (family: Family, pictures: readonly { readonly sha256: string }[]): readonly CertifiedLine[] =>
  [...family.values()].map((line) => lineOf(pictures.map(({ sha256 }) => line.get(sha256)!)));

/** The pictures that have all certificates and rows of the subject, with the index of each one's rows. */
const sharedPictures = (family: Family, indexOf: ReadonlyMap<string, number>, subject: Subject) =>
  completeIn(family).flatMap((row) => {
    const { name, sha256 } = row.picture;
    const item = indexOf.get(sha256) ?? indexOf.get(name) ?? -1;
    if ((subject.lineOf[item] ?? -1) < 0) return [];
    const { reference } = asCounts(pooledClean(subject, Int32Array.of(item)));
    if (reference.length !== row.counts.reference.length || reference.some((n, c) => n !== row.counts.reference[c]))
      throw new RowError(
        `the certificate of ${name} counts other pixels of the reference than the rows: the label map, the size or the picture is another`,
      );
    return [{ sha256, item }];
  });

const axisOf = (store: Store, family: Family, norm: Norm, subject: Subject, indexOf: ReadonlyMap<string, number>) => {
  const shared = sharedPictures(family, indexOf, subject);
  if (shared.length === 0) return null;
  const items = Int32Array.from(shared, ({ item }) => item);
  const groups = [...store.groups.values()].filter(
    (group) =>
      group.subject === subject &&
      group.attack !== null &&
      group.source === null &&
      group.repeat === undefined &&
      distanceOf(group) === norm,
  );
  const certificates = linesOver(family, shared);
  const clean = { attack: "clean", radius: 0, ...sharesOf(asCounts(pooledClean(subject, items))) };
  return { certificates, attacks: [clean, ...groups.flatMap((group) => pointsOf(group, items))], images: items.length };
};

/** The certificates alone, over the pictures that have all of them. */
const alone = (family: Family): Pick<CertifiedAxis, "certificates" | "attacks" | "images"> | null => {
  const shared = completeIn(family).map(({ picture }) => picture);
  if (shared.length === 0) return null;
  return { certificates: linesOver(family, shared), attacks: [], images: shared.length };
};

/**
 * The axes of each network that has certificates: one for the network alone and one behind Gaussian noise, over the images that have certificates
 * and rows; the certificates alone where no image has both.
 *
 * @throws RowError where a certificate and a row disagree on the reference of an image.
 */
export const certifiedAxes = (
  store: Store,
  rows: readonly CertificateRow[],
  nameOf: (subject: Subject) => string,
): readonly CertifiedAxis[] => {
  const indexOf = new Map(store.items.map((item, i) => [item, i]));
  const families = [...familiesOf(rows)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return families.flatMap(([, family]) => {
    const [row] = [...[...family.values()][0]!.values()] as [CertificateRow];
    const { network, reference } = row;
    const norm = normOf(row);
    const subjects = [...store.subjects.values()].filter(
      (subject) => subject.networkSha256 === network.sha256 && subject.reference === reference,
    );
    const found = subjects.flatMap((subject) => {
      const isThrough = throughNoise(subject);
      // Bounds are of the network alone.
      const isOther = isThrough === null || (isThrough && norm === "linf");
      const axis = isOther ? null : axisOf(store, family, norm, subject, indexOf);
      return axis ? [{ network: nameOf(subject), throughNoise: isThrough!, ...axis }] : [];
    });
    const only = found.length > 0 ? null : alone(family);
    const axes = only ? [{ network: network.name, throughNoise: false, ...only }] : found;
    return axes.map((axis) => {
      const certificates = axis.certificates.toSorted((a, b) => a.radius - b.radius);
      const attacks = axis.attacks.toSorted((a, b) => a.radius - b.radius || (a.attack < b.attack ? -1 : 1));
      return {
        ...axis,
        networkSha256: network.sha256,
        norm,
        certificates,
        attacks,
        steps: stepsOf({ certificates, attacks }),
      };
    });
  });
};
