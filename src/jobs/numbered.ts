/**
 * The parcels of an evaluation by their numbers. Every picture has the same ones, so that a parcel follows from its number and the name of its picture, and
 * nothing of the plan is kept.
 */

import type { Alike } from "../evaluation/picture-plan.ts";

/** How many parcels each source has of a picture, in their order. Plain data. */
export type ParcelCounts = readonly number[];

/** The parcels of a picture: numbers alone, since there may be hundreds of thousands. */
export interface PictureParcels {
  readonly counts: ParcelCounts;
  /** The number of the first group of each parcel, and at the end that of all groups. */
  readonly starts: readonly number[];
  /** Of each parcel. */
  readonly units: readonly number[];
}

/**
 * As `parcelsOf` makes them of the groups themselves.
 *
 * @param weigh what each group takes.
 */
export const parcelsOfPicture = (
  alike: Iterable<Alike>,
  most: number,
  weigh: (alike: Alike) => number,
): PictureParcels => {
  const [starts, units]: [number[], number[]] = [[], []];
  const counts = new Map<number, number>();
  let [group, size, last] = [0, 0, -1];
  for (const each of alike) {
    const own = weigh(each);
    for (let i = 0; i < each.groups; i++, group++) {
      if (each.source === last && size + own <= most) {
        units[units.length - 1]! += each.units;
        size += own;
        continue;
      }
      starts.push(group);
      units.push(each.units);
      counts.set(each.source, (counts.get(each.source) ?? 0) + 1);
      [size, last] = [own, each.source];
    }
  }
  return { counts: [...counts.values()], starts: [...starts, group], units };
};

/** Numbers that often follow each other: each with how often it does, or alone. Plain data. */
export type Repeated = readonly (number | readonly [value: number, times: number])[];

export const repeatedOf = (values: readonly number[]): Repeated => {
  const repeated: [number, number][] = [];
  for (const value of values) {
    const last = repeated.at(-1);
    if (last?.[0] === value) last[1] += 1;
    else repeated.push([value, 1]);
  }
  return repeated;
};

/** @throws RangeError for a place beyond the last. */
export const valueAt = (repeated: Repeated, place: number): number => {
  let left = place;
  for (const each of repeated) {
    const [value, times] = typeof each === "number" ? [each, 1] : each;
    if (left < times) return value;
    left -= times;
  }
  throw new RangeError(`there is no value at ${place}`);
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
