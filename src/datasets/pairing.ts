/** Pictures and label maps matched by their names. */

import type { Listing, Pair } from "./dataset.ts";

/** The last part of a path. */
export const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The base without its ending. */
export const stemOf = (path: string): string => baseOf(path).replace(/\.[^.]+$/, "");

const isPicture = (path: string): boolean => /\.(png|jpe?g|webp)$/i.test(path);

/** The paths of pictures right in a folder, or at any depth below it. */
export const picturesIn = (paths: readonly string[], folder: string, { deep = false } = {}): readonly string[] =>
  paths.filter(
    (path) =>
      path.startsWith(`${folder}/`) && isPicture(path) && (deep || !path.slice(folder.length + 1).includes("/")),
  );

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

/** Pairs in the order of their names. Label maps without a picture are no fault. */
export const paired = (images: readonly string[], labels: readonly string[], names: Names): Listing => {
  const maps = new Map(labels.map((path) => [names.ofLabels(path), path]));
  const pairs = new Map<string, Pair>();
  const faults: string[] = [];
  for (const image of images) {
    const name = names.ofImage(image);
    const map = maps.get(name);
    const other = pairs.get(name);
    if (other) faults.push(`${image}: has the name ${name}, as ${other.image} has`);
    else if (map === undefined) faults.push(`${image}: has no label map ${names.expected(image)}`);
    else pairs.set(name, { name, image, labels: map });
  }
  return { pairs: [...pairs.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)), faults };
};
