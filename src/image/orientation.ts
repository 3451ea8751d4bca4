/** The orientation of a JPEG file (Exif 2.32, tag 0x0112), and its application to an image. */
import { tensor, type Tensor } from "../tensor.ts";
import { nameAt, viewOf } from "./bytes.ts";

/** 1: stored upright. 2 to 8: stored mirrored or rotated; from 5 on, width and height are exchanged. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const orientationTag = 0x0112;
const short = 3;

/** Maximum number of directory entries that are read; cameras write about ten. */
const maxEntries = 1024;

/**
 * The orientation in the body of an APP1 segment ("Exif\0\0" and a TIFF file); 1 if it is absent or damaged, as in image viewers.
 */
export const readOrientation = (body: Uint8Array): Orientation => {
  if (body.length < 14 || nameAt(body, 0) !== "Exif") return 1;
  const tiff = viewOf(body.subarray(6));
  const order = tiff.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return 1;
  const entries = Math.min(tiff.getUint16(directory, little), maxEntries);
  for (let i = 0, at = directory + 2; i < entries && at + 12 <= tiff.byteLength; i++, at += 12) {
    if (tiff.getUint16(at, little) !== orientationTag) continue;
    const value = tiff.getUint16(at + 2, little) === short ? tiff.getUint16(at + 8, little) : 1;
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
};

/** Whether the height of the upright image is the stored width. */
export const exchangesSides = (orientation: Orientation): boolean => orientation >= 5;

/**
 * For a stored image of width w and height h: the index of the upright image's first pixel, and the index offsets from a pixel to
 * its right and to its lower neighbour.
 */
const walks: Readonly<
  Record<Orientation, (w: number, h: number) => readonly [first: number, right: number, down: number]>
> = {
  1: (w) => [0, 1, w],
  2: (w) => [w - 1, -1, w],
  3: (w, h) => [w * h - 1, -1, -w],
  4: (w, h) => [w * (h - 1), 1, -w],
  5: (w) => [0, w, 1],
  6: (w, h) => [w * (h - 1), -w, 1],
  7: (w, h) => [w * h - 1, -w, -1],
  8: (w) => [w - 1, w, -1],
};

/** The upright image of a stored float32 image [3,H,W]: [3,H,W], or [3,W,H] if the sides are exchanged. */
export const upright = (stored: Tensor<"float32">, orientation: Orientation): Tensor<"float32"> => {
  if (orientation === 1) return stored;
  const [channels = 0, h = 0, w = 0] = stored.shape;
  const [first, right, down] = walks[orientation](w, h);
  const [height, width] = exchangesSides(orientation) ? [w, h] : [h, w];
  const data = new Float32Array(stored.data.length);
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, from = channel * w * h + first + y * down; x < width; x++, from += right)
        data[to++] = stored.data[from]!;
    }
  }
  return tensor("float32", [channels, height, width], data);
};
