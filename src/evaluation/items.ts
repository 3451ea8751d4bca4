/** The pictures of an evaluation with their ground truth, where they have one: read one at a time. */

import { tableOf, type Coding } from "../datasets/coding.ts";
import type { Files, Pair } from "../datasets/dataset.ts";
import type { StreetSample } from "../datasets/street/render.ts";
import { sha256Of } from "../digest.ts";
import { ImageError } from "../image/error.ts";
import { greyOf } from "../image/grey.ts";
import { decodeLabels } from "../image/labels.ts";
import { decodePlanes } from "../image/planes.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";

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
  /** The ground truth; undefined where the item has none. */
  readonly truth: Labels | undefined;
}

/** Digest of a pair by the digests of its files, or of a picture alone. */
export const pairDigest = (image: string, labels: string | undefined): string =>
  labels === undefined ? image : `${image} ${labels}`;

/** Of pictures and label maps, checked against their headers. */
export const limits = { maxPixels: 2 ** 26, maxSide: 2 ** 14 } as const;

/** @throws ImageError */
export const truthOf = (bytes: Uint8Array, { palette, values, remap = {} }: LabelReading): Labels => {
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
  const { labels } = item;
  const picture = await files.read(item.image);
  const map = labels === undefined ? undefined : await files.read(labels);
  if (item.digest !== undefined && item.digest !== pairDigest(await sha256Of(picture), map && (await sha256Of(map))))
    throw new Error(
      `${item.image}: ${labels === undefined ? "it" : `it or its label map ${labels}`} is not the file that was checked: it has changed, or this machine has another`,
    );
  return { image: await decodePlanes(picture, planes, limits), truth: map && truthOf(map, reading) };
};
