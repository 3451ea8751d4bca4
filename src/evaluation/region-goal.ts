/** Attacks on a region: which pixels it has, the label map that is approached, and how much of it was reached. */

import type { Labels } from "../segmenter/segmenter.ts";
import { spatialSize, tensor } from "../tensor.ts";
import { voidedBeyond } from "./labels.ts";
import { filledRegion, regionOf, type Region } from "./region.ts";
import { boxRegion, polygonRegion, type Box, type Polygon } from "./shapes.ts";

/** Which pixels: those of some classes, of a shape, or of a mask. */
export type Place =
  | { readonly classes: readonly number[] }
  | { readonly box: Box }
  | { readonly polygon: Polygon }
  | { readonly mask: Region };

export interface RegionGoal {
  readonly place: Place;
  /** The class that the region is to have; absent: it is hidden, by the labels that surround it. */
  readonly to?: number | undefined;
  /** Whether the attack keeps the labels elsewhere, as it does by default, or leaves them free. */
  readonly outside?: "keep" | "free" | undefined;
}

/** A goal on an image. */
export interface RegionTarget {
  readonly region: Region;
  /** The labels to approach; void where the attack is free. */
  readonly labels: Labels;
}

/** A region that no attack can have on this image. */
export class RegionError extends RangeError {
  override readonly name = "RegionError";
  /** Of the target, what is at fault; undefined for the region itself. */
  readonly field: string | undefined;

  constructor(message: string, field?: string, options?: ErrorOptions) {
    super(message, options);
    this.field = field;
  }
}

const regionAt = (base: Labels, place: Place): Region => {
  if ("classes" in place) return regionOf(base, place.classes);
  if ("box" in place) return boxRegion(spatialSize(base), place.box);
  return "polygon" in place ? polygonRegion(spatialSize(base), place.polygon) : place.mask;
};

const painted = ({ shape, data }: Labels, region: Region, label: number): Labels =>
  tensor(
    "uint8",
    shape,
    data.map((own, i) => (region.data[i] === 0 ? own : label)),
  );

/**
 * @param base labels of the image: its prediction, or the ground truth. The region of a class is where they have it.
 * @throws RegionError where the region has no pixel, or leaves nothing that could hide it.
 */
export const regionTarget = (base: Labels, { place, to, outside = "keep" }: RegionGoal): RegionTarget => {
  const region = regionAt(base, place);
  if (region.data.every((v) => v === 0)) throw new RegionError("the region has no pixel of the image");
  if (to === undefined && base.data.every((label, i) => label === 255 || region.data[i] !== 0))
    throw new RegionError("nothing outside the region has a label that could hide it");
  const wanted = to === undefined ? filledRegion(base, region) : painted(base, region, to);
  const inverse = tensor(
    "uint8",
    region.shape,
    region.data.map((v) => Number(v === 0)),
  );
  return { region, labels: outside === "keep" ? wanted : painted(wanted, inverse, 255) };
};

/** Something of the clean image, and of both forms of the adversarial one. */
export interface Forms<T> {
  readonly clean: T;
  readonly float: T;
  readonly uint8: T;
}

/** What became of a region: numbers of pixels, from which shares are pooled. */
export interface RegionCounts {
  /** Of the region, those that have a label to approach; 0 where the image has not the region, and is not attacked. */
  readonly pixels: number;
  /** Of these, those that have that label. */
  readonly reached: number;
  /** Outside of the region. */
  readonly elsewhere: number;
  /** Of these, those that have the label that they had before the attack. */
  readonly kept: number;
}

/** Shares from 0 to 1; null where there is no such pixel. */
export interface RegionScores {
  /** Of the region's pixels, those that have the label to approach. */
  readonly reached: number | null;
  /** Of the pixels elsewhere, those that have the label that they had before the attack. */
  readonly kept: number | null;
}

/** @param before the prediction on the clean image. */
const regionCounts = ({ region, labels }: RegionTarget, before: Labels, after: Labels): RegionCounts => {
  const count = { pixels: 0, reached: 0, elsewhere: 0, kept: 0 };
  for (let i = 0; i < region.data.length; i++) {
    if (region.data[i] === 0) {
      count.elsewhere += 1;
      if (after.data[i] === before.data[i]) count.kept += 1;
    } else if (labels.data[i] !== 255) {
      count.pixels += 1;
      if (after.data[i] === labels.data[i]) count.reached += 1;
    }
  }
  return count;
};

export const regionShares = ({ pixels, reached, elsewhere, kept }: RegionCounts): RegionScores => {
  const share = (part: number, of: number): number | null => (of === 0 ? null : part / of);
  return { reached: share(reached, pixels), kept: share(kept, elsewhere) };
};

/** @param before the prediction on the clean image. */
export const regionScores = (target: RegionTarget, before: Labels, after: Labels): RegionScores =>
  regionShares(regionCounts(target, before, after));

/** Pixels of several images together; undefined where there is no region. */
export const pooledRegions = (all: readonly (RegionCounts | undefined)[]): RegionCounts | undefined =>
  all.reduce(
    (a, b) =>
      a && b
        ? {
            pixels: a.pixels + b.pixels,
            reached: a.reached + b.reached,
            elsewhere: a.elsewhere + b.elsewhere,
            kept: a.kept + b.kept,
          }
        : (a ?? b),
    undefined,
  );

/** What became of a region: the clean image, and both forms of the adversarial one. */
export interface RegionResult extends Forms<RegionScores> {
  readonly pixels: number;
}

type Labelled = { readonly labels: Labels };

export const regionResult = (target: RegionTarget, { clean, float, uint8 }: Forms<Labelled>): RegionResult => {
  const scored = ({ labels }: Labelled): RegionScores => regionScores(target, clean.labels, labels);
  const pixels = target.region.data.reduce((count, v) => count + Number(v !== 0), 0);
  return { pixels, clean: scored(clean), float: scored(float), uint8: scored(uint8) };
};

/** A goal on one image, whose target follows from the clean prediction and is made once. */
export interface RegionAim {
  /** The labels to approach. @throws RegionError where the image has not the region. */
  readonly given: (clean: Labels) => Labels;
  readonly reached: (measured: Forms<Labelled>) => RegionResult;
  readonly counted: (measured: Forms<Labelled>) => Forms<RegionCounts>;
}

/** @param left the labels to leave, of which the region's classes are; without them, the clean prediction of so many classes. */
export const regionAim = (goal: RegionGoal, classes: number, left: Labels | undefined): RegionAim => {
  let made: RegionTarget | undefined;
  const target = (clean: Labels): RegionTarget => (made ??= regionTarget(left ?? voidedBeyond(clean, classes), goal));
  return {
    given: (clean) => target(clean).labels,
    reached: (measured) => regionResult(target(measured.clean.labels), measured),
    counted: ({ clean, float, uint8 }) => {
      const counts = ({ labels }: Labelled) => regionCounts(target(clean.labels), clean.labels, labels);
      return { clean: counts(clean), float: counts(float), uint8: counts(uint8) };
    },
  };
};

/** The index of a class by its name or its index. @throws RegionError with the classes that there are. */
export const classIndex = (classes: readonly { readonly name: string }[], given: number | string): number => {
  const index = typeof given === "number" ? given : classes.findIndex(({ name }) => name === given);
  if (Number.isInteger(index) && index >= 0 && index < classes.length) return index;
  const known = classes.map(({ name }, i) => `${i} ${name}`).join(", ");
  throw new RegionError(`there is no class ${JSON.stringify(given)}; there are ${known}`);
};
