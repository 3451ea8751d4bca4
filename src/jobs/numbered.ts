/**
 * The parcels of an evaluation by their numbers. Every picture has the same ones, so that a parcel follows from its number and the name of its picture, and
 * nothing of the plan is kept.
 */

import type { Evaluations } from "../evaluation/craft.ts";
import { totalOf, type Group } from "../evaluation/units.ts";
import type { Parcel } from "./worker.ts";

/** How many parcels each source has of a picture, in their order. Plain data. */
export type ParcelCounts = readonly number[];

/** @param parcels of one picture. */
export const parcelCounts = (parcels: readonly Parcel[]): ParcelCounts => {
  const counts = new Map<number, number>();
  for (const [group] of parcels) counts.set(group!.source, (counts.get(group!.source) ?? 0) + 1);
  return [...counts.values()];
};

export interface ParcelPlace {
  /** From 0. */
  readonly picture: number;
  /** Which parcel of the picture. */
  readonly parcel: number;
}

/** The number of all parcels. */
export const parcelTotal = (counts: ParcelCounts, pictures: number): number =>
  pictures * counts.reduce((sum, count) => sum + count, 0);

/** Where the parcel of a number is: in the order of a plan, source by source, picture by picture. @throws RangeError for a number beyond the last. */
export const placeOfParcel = (counts: ParcelCounts, pictures: number, number: number): ParcelPlace => {
  let [before, left] = [0, number];
  for (const count of counts) {
    if (left < pictures * count) return { picture: Math.floor(left / count), parcel: before + (left % count) };
    [before, left] = [before + count, left - pictures * count];
  }
  throw new RangeError(`there is no parcel ${number} of ${parcelTotal(counts, pictures)}`);
};

/** What all pictures have together. @param groups of one picture. */
export const totalOfPictures = (
  groups: readonly Group[],
  pictures: number,
): Evaluations & { readonly units: number } => {
  const { forward, backward } = totalOf(groups);
  const units = groups.reduce((sum, group) => sum + group.units.length, 0);
  return { units: pictures * units, forward: pictures * forward, backward: pictures * backward };
};
