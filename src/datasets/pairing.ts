/** Pictures and label maps matched by their names. */

import type { Listing, Pair } from "./dataset.ts";

/** The last part of a path. */
export const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The base without its ending. */
export const stemOf = (path: string): string => baseOf(path).replace(/\.[^.]+$/, "");

/** How paths in a folder begin; "" is the folder of all paths. */
const startOf = (folder: string): string => (folder === "" ? "" : `${folder}/`);

/** The path within a folder without its ending, so that folders in it keep names apart; "" is the folder of all paths. */
export const within =
  (folder: string) =>
  (path: string): string =>
    path.slice(startOf(folder).length).replace(/\.[^./]+$/, "");

/** A folder of a split; "" is the split of all paths. */
export const inSplit = (split: string, folder: string): string => startOf(split) + folder;

const isPicture = (path: string): boolean => /\.(png|jpe?g|webp)$/i.test(path);
const isArray = (path: string): boolean => /\.npy$/i.test(path);

/** The paths of pictures right in a folder, or at any depth below it; "" is the folder of all paths. @param arrays whether NPY files are pictures. */
export const picturesIn = (
  paths: readonly string[],
  folder: string,
  { deep = false, arrays = false } = {},
): readonly string[] => {
  const start = startOf(folder);
  return paths.filter(
    (path) =>
      path.startsWith(start) &&
      (isPicture(path) || (arrays && isArray(path))) &&
      (deep || !path.slice(start.length).includes("/")),
  );
};

export const hasFolder = (paths: readonly string[], folder: string): boolean =>
  paths.some((path) => path.startsWith(`${folder}/`));

/** How the two of a pair are named alike. */
export interface Names {
  /** The pair's name, from the path of its picture. */
  readonly ofImage: (path: string) => string;
  /** The same from the path of its label map. */
  readonly ofLabels: (path: string) => string;
  /** What the label map of a picture would be called, for messages. */
  readonly expected: (image: string) => string;
}

/** Pairs in the order of their names. @param pairOf the pair of a picture, or in words what is wrong with it. */
const named = (
  images: readonly string[],
  nameOf: (image: string) => string,
  pairOf: (name: string, image: string) => Pair | string,
): Listing => {
  const pairs = new Map<string, Pair>();
  const faults: string[] = [];
  for (const image of images) {
    const name = nameOf(image);
    const other = pairs.get(name);
    const pair = other ? `has the name ${name}, as ${other.image} has` : pairOf(name, image);
    if (typeof pair === "string") faults.push(`${image}: ${pair}`);
    else pairs.set(name, pair);
  }
  return { pairs: [...pairs.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)), faults };
};

/** Pairs in the order of their names. Label maps without a picture are no fault. */
export const paired = (images: readonly string[], labels: readonly string[], names: Names): Listing => {
  const maps = new Map(labels.map((path) => [names.ofLabels(path), path]));
  return named(images, names.ofImage, (name, image) => {
    const map = maps.get(name);
    return map === undefined ? `has no label map ${names.expected(image)}` : { name, image, labels: map };
  });
};

/** Pictures without label maps, in the order of their names. */
export const alone = (images: readonly string[], nameOf: (image: string) => string): Listing =>
  named(images, nameOf, (name, image) => ({ name, image }));
