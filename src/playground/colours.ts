/** The colours of the panels' pixels. */

import type { Image, Labels } from "../segmenter/segmenter.ts";
import type { Rgb } from "./messages.ts";
import type { Colour } from "./picture.ts";

/** The image itself; the Uint8ClampedArray rounds half to even. */
export const ofImage = ({ data }: Image): Colour => {
  const area = data.length / 3;
  return (i, rgba) => {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[c * area + i]!;
  };
};

/** 128 + 127·(after − before)/ε: grey where nothing changed. */
export const ofPerturbation = (before: Image, after: Image, epsilon: number): Colour => {
  const area = before.data.length / 3;
  return (i, rgba) => {
    for (let c = 0; c < 3; c++) {
      const at = c * area + i;
      rgba[4 * i + c] = 128 + (127 * (after.data[at]! - before.data[at]!)) / epsilon;
    }
  };
};

/** The colours of the classes; other labels are black. */
export const ofLabels =
  ({ data }: Labels, palette: readonly Rgb[]): Colour =>
  (i, rgba) =>
    rgba.set(palette[data[i]!] ?? [0, 0, 0], 4 * i);

/** The Rec. 709 luma of a pixel. */
const grey = ({ data }: Image, i: number): number => {
  const area = data.length / 3;
  return 0.2126 * data[i]! + 0.7152 * data[area + i]! + 0.0722 * data[2 * area + i]!;
};

/** The colour of the new label where it differs from the old one, the image in grey elsewhere. */
export const ofChanges = (image: Image, before: Labels, after: Labels, palette: readonly Rgb[]): Colour => {
  const shown = ofLabels(after, palette);
  return (i, rgba) => {
    if (before.data[i] !== after.data[i]) shown(i, rgba);
    else rgba.fill(70 + 0.6 * grey(image, i), 4 * i, 4 * i + 3);
  };
};
