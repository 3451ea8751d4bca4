/** What the values of a label map's file mean: the class of each value. */

/** The label of pixels that are ignored. */
const VOID = 255;

export type Rgb = readonly [red: number, green: number, blue: number];

export interface Coding {
  /** The colour of each value, where the maps are RGB pictures; black is void unless it is listed. */
  readonly palette?: readonly Rgb[] | undefined;
  /** The class of each value where it is another; a value that is not listed stays. */
  readonly values?: Readonly<Record<number, number>> | undefined;
}

/** Class indices as they are. */
export const plain: Coding = {};

/** Values from 0 to 255 to labels: the identity with some of them changed. */
export const tableOf = (values: Readonly<Record<number, number>> = {}): Uint8Array => {
  const table = Uint8Array.from({ length: 256 }, (_, value) => value);
  for (const [value, label] of Object.entries(values)) table[Number(value)] = label;
  return table;
};

/** The values that are listed become classes 0, 1, … in this order; all others are void. */
export const ranked = (values: readonly number[]): Readonly<Record<number, number>> => {
  const classes = new Map(values.map((value, index) => [value, index]));
  return Object.fromEntries(Array.from({ length: 256 }, (_, value) => [value, classes.get(value) ?? VOID]));
};
