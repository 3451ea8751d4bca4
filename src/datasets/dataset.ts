/** Data sets as they lie in folders: named pairs of files, listed without being read. */

import type { Coding } from "./coding.ts";

/** A folder of files, wherever it is. Paths are relative to it and have "/" between their parts. */
export interface Files {
  /** The paths of all files at any depth, sorted; empty where the folder does not exist. */
  readonly list: () => Promise<readonly string[]>;
  readonly read: (path: string) => Promise<Uint8Array>;
}

/** One image with its ground truth, or without one, as paths. */
export interface Pair {
  /** Unique in the data set. */
  readonly name: string;
  /** A PNG, JPEG, WebP or NPY. */
  readonly image: string;
  /** A PNG of the image's size; absent where the image has no ground truth. */
  readonly labels?: string | undefined;
}

export interface LabelledPair extends Pair {
  readonly labels: string;
}

/** What a layout finds: the pairs, sorted by name, and everything that is wrong, a sentence each. */
export interface Listing {
  readonly pairs: readonly Pair[];
  readonly faults: readonly string[];
}

/** Which part of a data set, and where. */
export interface Part {
  readonly files: Files;
  /** All paths of `files`. */
  readonly paths: readonly string[];
  /** For example "val". */
  readonly split: string;
}

/** How a data set lies in a folder. */
export interface Layout {
  readonly title: string;
  /** The files that are expected, in words. */
  readonly expects: string;
  /** The splits that are customary, the default first; empty where there are none. */
  readonly splits: readonly string[];
  /** Classes of the labels after coding; null where any network's labels may lie in it. */
  readonly classes: number | null;
  /** Null where the pictures have no label maps. */
  readonly coding: Coding | null;
  /** Whether these paths look like this layout, by which it is recognised where it is not named; `split` is empty where none is named. */
  readonly recognises: (paths: readonly string[], split: string) => boolean;
  readonly pairs: (part: Part) => Promise<Listing>;
}
