/** The visitor's own labels of the picture. */

import { decodeLabels } from "../image/labels.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { type Size, spatialSize, tensor } from "../tensor.ts";
import type { Opened } from "./messages.ts";
import { sized } from "./words.ts";

const VOID = 255;

/** Largest label map that is decoded. */
const MAX_PIXELS = 2 ** 26;

export interface Truth {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The label at the centre of each pixel of the smaller map. */
const resampled = (labels: Labels, { width, height }: Size): Labels => {
  const from = spatialSize(labels);
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * from.height) / height) * from.width;
    for (let x = 0; x < width; x++)
      out[y * width + x] = labels.data[row + Math.floor(((x + 0.5) * from.width) / width)]!;
  }
  return tensor("uint8", [height, width], out);
};

const largest = (values: Iterable<number>): number => {
  let most = 0;
  for (const value of values) if (value !== VOID && value > most) most = value;
  return most;
};

/**
 * The labels at the size of the network's image.
 *
 * @param own size of the picture as it was chosen.
 * @throws Error, saying what was wrong and what would be accepted; ImageError for a file that is no label map.
 */
export const readTruth = ({ name, bytes }: Truth, classes: Opened["classes"], own: Size, size: Size): Labels => {
  const labels = decodeLabels(bytes, { maxPixels: MAX_PIXELS, palette: classes.map(({ color }) => color) });
  const given = spatialSize(labels);
  if (given.width !== own.width || given.height !== own.height)
    throw new Error(
      `${name} is ${sized(given)} pixels, but the picture is ${sized(own)}; a label for each pixel is needed`,
    );
  const most = largest(labels.data);
  if (most >= classes.length)
    throw new Error(
      `${name} has the class ${most}, but the network has only 0 to ${classes.length - 1}, and 255 for void`,
    );
  const values = new Set(labels.data);
  if (classes.length === 2 && values.has(VOID) && !values.has(1))
    throw new Error(`${name} holds only 0 and 255, and 255 is void; store the second class as 1`);
  return resampled(labels, size);
};
