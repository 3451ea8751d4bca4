/** The pictures of an evaluation with their ground truth: read one at a time, and checked before any work. */

import { tableOf, type Coding } from "../datasets/coding.ts";
import type { Files, Pair } from "../datasets/dataset.ts";
import type { StreetSample } from "../datasets/street/render.ts";
import { sha256Of } from "../digest.ts";
import { ImageError } from "../image/error.ts";
import { greyOf } from "../image/grey.ts";
import { decodeLabels } from "../image/labels.ts";
import { decodePlanes } from "../image/planes.ts";
import { probeWithin } from "../image/probe.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { spatialSize, tensor, type Size } from "../tensor.ts";

/** A scene that is drawn. */
export interface Street {
  readonly name: string;
  readonly street: number;
}

/** A pair; where a digest is given, as `checkItems` gives it, the files must still have it when they are read. */
export interface CheckedPair extends Pair {
  readonly digest?: string | undefined;
}

/** Plain data. */
export type Item = CheckedPair | Street;

/** What label maps mean. Plain data. */
export interface LabelReading extends Coding {
  /** After the coding: a label that means another. */
  readonly remap?: Readonly<Record<number, number>> | undefined;
}

/** Where items come from. */
export interface ItemSource {
  readonly files: Files;
  readonly reading: LabelReading;
  /** Draws a scene by its number. */
  readonly draw: (street: number) => Promise<StreetSample>;
}

export interface ReadItem {
  readonly image: Image;
  readonly truth: Labels;
}

const pairDigest = (image: string, labels: string): string => `${image} ${labels}`;

const limits = { maxPixels: 2 ** 26, maxSide: 2 ** 14 } as const;

/** @throws ImageError */
const truthOf = (bytes: Uint8Array, { palette, values, remap = {} }: LabelReading): Labels => {
  const { shape, data } = decodeLabels(bytes, { ...limits, ...(palette ? { palette } : {}) });
  const table = tableOf(values).map((label) => remap[label] ?? label);
  return tensor(
    "uint8",
    shape,
    data.map((value) => table[value]!),
  );
};

/** A drawn image [3,H,W] as [`planes`,H,W]. @throws ImageError where it has no such channels. */
const drawnAs = (planes: number, image: Image): Image => {
  if (planes === 3) return image;
  if (planes === 1) return greyOf(image);
  throw new ImageError("unsupported-format", `the drawn streets have 3 channels, where the networks take ${planes}`);
};

/**
 * @param planes of the image: the channels of the networks.
 * @throws ImageError for a file that is no picture or no label map; what reading a file throws.
 */
export const readItem = async (item: Item, { files, reading, draw }: ItemSource, planes = 3): Promise<ReadItem> => {
  if ("street" in item) {
    const { image, labels } = await draw(item.street);
    return { image: drawnAs(planes, image), truth: labels };
  }
  const [picture, map] = [await files.read(item.image), await files.read(item.labels)];
  if (item.digest !== undefined && item.digest !== pairDigest(await sha256Of(picture), await sha256Of(map)))
    throw new Error(
      `${item.image}: it or its label map ${item.labels} is not the file that was checked: it has changed, or this machine has another`,
    );
  return { image: await decodePlanes(picture, planes, limits), truth: truthOf(map, reading) };
};

/** Least and greatest of both sides of the pictures, in pixels. */
export interface Sizes {
  readonly width: readonly [number, number];
  readonly height: readonly [number, number];
}

/** What the items are, and everything that is wrong with them, a sentence each. */
export interface Checked {
  readonly faults: readonly string[];
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

/** The size is that of the header: the picture is decoded when it is attacked. */
const lookedAtPair = async ({ image, labels }: Pair, { files, reading }: ItemSource): Promise<Looked> => {
  const faults: string[] = [];
  const attempt = async <T>(path: string, run: (bytes: Uint8Array) => T): Promise<{ digest: string; value?: T }> => {
    try {
      const bytes = await files.read(path);
      const digest = await sha256Of(bytes);
      try {
        return { digest, value: run(bytes) };
      } catch (cause) {
        faults.push(`${path}: ${messageOf(cause)}`);
        return { digest };
      }
    } catch (cause) {
      faults.push(`${path}: cannot be read: ${messageOf(cause)}`);
      return { digest: "" };
    }
  };
  const picture = await attempt(image, (bytes) => probeWithin(bytes, limits));
  const map = await attempt(labels, (bytes) => truthOf(bytes, reading));
  const digest = pairDigest(picture.digest, map.digest);
  if (!picture.value || !map.value) return { faults, digest };
  const { width, height } = picture.value;
  const own = spatialSize(map.value);
  if (own.width !== width || own.height !== height)
    faults.push(`${labels}: is ${own.width}×${own.height}, and its picture ${image} ${width}×${height} (width×height)`);
  return { faults, size: { width, height }, digest, histogram: histogramOf(map.value) };
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

/**
 * Looks at every item, one after another: missing and unreadable files, maps of another size than their picture, labels that are no
 * class.
 *
 * @param size of drawn scenes, which need no look.
 * @param onItem called after each.
 */
export const checkItems = async (
  items: readonly Item[],
  source: ItemSource,
  { classes, size, onItem }: { readonly classes: number; readonly size: Size; readonly onItem?: () => void },
): Promise<Checked> => {
  const faults: string[] = [];
  const digests: string[] = [];
  const checked: Item[] = [];
  const seen = new Seen();
  let sizes: Sizes | null = null;
  let largest: Size | null = null;
  for (const item of items) {
    const looked: Looked =
      "street" in item ? { faults: [], size, digest: item.name } : await lookedAtPair(item, source);
    faults.push(...looked.faults);
    digests.push(`${item.name} ${looked.digest}`);
    checked.push("street" in item ? item : { ...item, digest: looked.digest });
    if (looked.histogram) seen.add(looked.histogram);
    if (looked.size) {
      sizes = widened(sizes, looked.size);
      const pixels = looked.size.width * looked.size.height;
      if (!largest || pixels > largest.width * largest.height) largest = looked.size;
    }
    onItem?.();
  }
  faults.push(...unknownLabels(seen, classes));
  return { faults, items: checked, sizes, largest, digest: await sha256Of(digests.join("\n")) };
};
