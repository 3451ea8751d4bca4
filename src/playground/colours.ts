/** The colours of the panels' pixels. */

import type { Image, Labels } from "../segmenter/segmenter.ts";
import type { Rgb } from "./messages.ts";
import type { Colour } from "./picture.ts";

/** Where red, green and blue of pixel `i` lie in the image's data: the same place for all three in a grey image [1,H,W]. */
export const placesOf = ({ data, shape }: Image, i: number): readonly [number, number, number] => {
  const area = data.length / shape[0]!;
  return shape[0] === 1 ? [i, i, i] : [i, area + i, 2 * area + i];
};

/** The image itself; the Uint8ClampedArray rounds half to even. */
export const ofImage =
  (image: Image): Colour =>
  (i, rgba) =>
    placesOf(image, i).forEach((at, c) => {
      rgba[4 * i + c] = image.data[at]!;
    });

/** 128 + 127·(after − before)/ε: grey where nothing changed. */
export const ofPerturbation =
  (before: Image, after: Image, epsilon: number): Colour =>
  (i, rgba) =>
    placesOf(before, i).forEach((at, c) => {
      rgba[4 * i + c] = 128 + (127 * (after.data[at]! - before.data[at]!)) / epsilon;
    });

/** The colours of the classes; other labels are black. */
export const ofLabels =
  ({ data }: Labels, palette: readonly Rgb[]): Colour =>
  (i, rgba) =>
    rgba.set(palette[data[i]!] ?? [0, 0, 0], 4 * i);

/** The Rec. 709 luma of a pixel. */
const grey = (image: Image, i: number): number => {
  const [r, g, b] = placesOf(image, i).map((at) => image.data[at]!) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** The colour of the new label where it differs from the old one, the image in grey elsewhere. */
export const ofChanges = (image: Image, before: Labels, after: Labels, palette: readonly Rgb[]): Colour => {
  const shown = ofLabels(after, palette);
  return (i, rgba) => {
    if (before.data[i] !== after.data[i]) shown(i, rgba);
    else rgba.fill(70 + 0.6 * grey(image, i), 4 * i, 4 * i + 3);
  };
};
