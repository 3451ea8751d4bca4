/** What is wrong with the items of an evaluation, found before any work. */

import type { Pair } from "../datasets/dataset.ts";
import { sha256Of } from "../digest.ts";
import { ImageError } from "../image/error.ts";
import { decodePicture } from "../image/planes.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { spatialSize, type Size } from "../tensor.ts";
import { limits, pairDigest, truthOf, type Item, type ItemSource } from "./items.ts";

/** Least and greatest of both sides of the pictures, in pixels. */
export interface Sizes {
  readonly width: readonly [number, number];
  readonly height: readonly [number, number];
}

/** What the items are, and everything that is wrong with them, a sentence each. */
export interface Checked {
  readonly faults: readonly string[];
  /** What is no fault, but may not be meant. */
  readonly warnings: readonly string[];
  /** The items, pairs with the digests of their files. */
  readonly items: readonly Item[];
  /** Null where there is no readable picture. */
  readonly sizes: Sizes | null;
  /** The largest picture by its pixels. */
  readonly largest: Size | null;
  /** Of the contents of all files, in the order of the items. */
  readonly digest: string;
}

interface Looked {
  readonly faults: readonly string[];
  readonly size?: Size;
  readonly digest: string;
  readonly histogram?: Uint32Array;
  /** Whether pixels of the picture are not opaque, and were put on black. */
  readonly isTranslucent?: boolean;
}

const histogramOf = ({ data }: Labels): Uint32Array => {
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]! += 1;
  return counts;
};

const messageOf = (cause: unknown): string => {
  if (cause instanceof ImageError || cause instanceof Error) return cause.message;
  return String(cause);
};

/** All files are decoded, so that one that is cut short is found before the first attack. */
const lookedAtPair = async (
  { image, labels }: Pair,
  { files, reading }: ItemSource,
  planes: number,
): Promise<Looked> => {
  const faults: string[] = [];
  const attempt = async <T>(
    path: string,
    run: (bytes: Uint8Array) => T | Promise<T>,
  ): Promise<{ digest: string; value?: T }> => {
    try {
      const bytes = await files.read(path);
      const digest = await sha256Of(bytes);
      try {
        return { digest, value: await run(bytes) };
      } catch (cause) {
        faults.push(`${path}: ${messageOf(cause)}`);
        return { digest };
      }
    } catch (cause) {
      faults.push(`${path}: cannot be read: ${messageOf(cause)}`);
      return { digest: "" };
    }
  };
  const picture = await attempt(image, (bytes) => decodePicture(bytes, planes, limits));
  const map = labels === undefined ? undefined : await attempt(labels, (bytes) => truthOf(bytes, reading));
  const digest = pairDigest(picture.digest, map?.digest);
  if (!picture.value || (map && !map.value)) return { faults, digest };
  const { isTranslucent } = picture.value;
  const size = spatialSize(picture.value.image);
  if (!map?.value) return { faults, size, digest, isTranslucent };
  const { width, height } = size;
  const own = spatialSize(map.value);
  if (own.width !== width || own.height !== height)
    faults.push(`${labels}: is ${own.width}×${own.height}, and its picture ${image} ${width}×${height} (width×height)`);
  return { faults, size, digest, histogram: histogramOf(map.value), isTranslucent };
};

const widened = (sizes: Sizes | null, { width, height }: Size): Sizes => {
  const over = ([low, high]: readonly [number, number], value: number): readonly [number, number] => [
    Math.min(low, value),
    Math.max(high, value),
  ];
  return {
    width: over(sizes?.width ?? [width, width], width),
    height: over(sizes?.height ?? [height, height], height),
  };
};

/** How many pixels have each label, and how many maps. */
class Seen {
  readonly pixels = new Float64Array(256);
  readonly maps = new Uint32Array(256);

  add(counts: Uint32Array): void {
    for (let label = 0; label < 256; label++) {
      this.pixels[label]! += counts[label]!;
      if (counts[label]! > 0) this.maps[label]! += 1;
    }
  }
}

const VOID = 255;

/** Labels that the networks lack: how many pixels in how many maps, and what would mend it. */
const unknownLabels = ({ pixels, maps }: Seen, classes: number): string[] => {
  const found = Array.from({ length: 255 - classes }, (_, i) => classes + i).filter((label) => maps[label]! > 0);
  if (found.length === 0) return [];
  const told = found.map((label) => `${label} (${pixels[label]} pixels in ${maps[label]} maps)`).join(", ");
  const mended = found.map((label) => `${label}:255`).join(",");
  return [
    `the label maps hold ${told}, which are no classes of the networks (0 to ${classes - 1}); --remap ${mended} makes them void, and --remap VALUE:CLASS a class`,
  ];
};

/** Of a label map: nothing but void, so that no score counts the picture. */
const isVoid = (counts: Uint32Array): boolean => counts.every((count, label) => count === 0 || label === VOID);

/** A side in pixels below which networks of this kind see next to nothing. */
const SMALL_SIDE = 32;

/** Names of items that have something in common, as one sentence: how many, and the first of them. */
const sentenceOf = (names: readonly string[], total: number, what: string): string[] =>
  names.length === 0
    ? []
    : [`${names.length} of ${total} pictures (${names[0]}${names.length > 1 ? ", …" : ""}) ${what}`];

/** Digest of the contents of all files, in the order of the items. */
export const digestOfItems = (items: readonly { readonly name: string; readonly digest: string }[]): Promise<string> =>
  sha256Of(items.map(({ name, digest }) => `${name} ${digest}`).join("\n"));

export interface CheckOptions {
  readonly classes: number;
  /** Of drawn scenes, which need no look. */
  readonly size: Size;
  /** Channels of the networks; 3 if absent. */
  readonly planes?: number;
  /** Called after each. */
  readonly onItem?: () => void;
}

/**
 * Looks at every item, one after another: missing and unreadable files, maps of another size than their picture, labels that are no
 * class. At most one picture is held at a time.
 */
export const checkItems = async (
  items: readonly Item[],
  source: ItemSource,
  { classes, size, planes = 3, onItem }: CheckOptions,
): Promise<Checked> => {
  const faults: string[] = [];
  const digests: { readonly name: string; readonly digest: string }[] = [];
  const checked: Item[] = [];
  const odd = { void: [] as string[], translucent: [] as string[], small: [] as string[] };
  const seen = new Seen();
  let sizes: Sizes | null = null;
  let largest: Size | null = null;
  for (const item of items) {
    const { name } = item;
    const looked: Looked =
      "street" in item ? { faults: [], size, digest: name } : await lookedAtPair(item, source, planes);
    faults.push(...looked.faults);
    digests.push({ name, digest: looked.digest });
    checked.push("street" in item ? item : { ...item, digest: looked.digest });
    if (looked.histogram) seen.add(looked.histogram);
    if (looked.histogram && isVoid(looked.histogram)) odd.void.push(name);
    if (looked.isTranslucent) odd.translucent.push(name);
    if (looked.size) {
      sizes = widened(sizes, looked.size);
      if (Math.min(looked.size.width, looked.size.height) < SMALL_SIDE) odd.small.push(name);
      const pixels = looked.size.width * looked.size.height;
      if (!largest || pixels > largest.width * largest.height) largest = looked.size;
    }
    onItem?.();
  }
  faults.push(...unknownLabels(seen, classes));
  const total = items.length;
  if (total > 0 && odd.void.length === total)
    faults.push("every label map is void (255) everywhere: nothing can be scored");
  const warnings = [
    ...sentenceOf(odd.void, total, "have label maps that are void (255) everywhere: no score counts them"),
    ...sentenceOf(odd.translucent, total, "have pixels that are not opaque, which are put on black"),
    ...sentenceOf(
      odd.small,
      total,
      `have a side of fewer than ${SMALL_SIDE} pixels: scores of so few pixels say little, and a single pixel is right or wrong`,
    ),
  ];
  return { faults, warnings, items: checked, sizes, largest, digest: await digestOfItems(digests) };
};
