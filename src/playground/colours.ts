/** The colours of the layers' pixels. */

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

/** The Rec. 709 luma of a pixel. */
const grey = (image: Image, i: number): number => {
  const [r, g, b] = placesOf(image, i).map((at) => image.data[at]!) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** The image in subdued grey, so that coloured classes stand out. */
export const ofGrey =
  (image: Image): Colour =>
  (i, rgba) =>
    rgba.fill(70 + 0.6 * grey(image, i), 4 * i, 4 * i + 3);

/** The colours of the classes, other labels black; the image in grey where the class is hidden. */
export const ofLabels = (
  { data }: Labels,
  palette: readonly Rgb[],
  hidden: ReadonlySet<number>,
  image: Image,
): Colour => {
  const plain = ofGrey(image);
  return (i, rgba) => (hidden.has(data[i]!) ? plain(i, rgba) : rgba.set(palette[data[i]!] ?? [0, 0, 0], 4 * i));
};

/** The colour of the new label where it differs from the old one, the image in grey elsewhere. */
export const ofChanges = (
  image: Image,
  before: Labels,
  after: Labels,
  palette: readonly Rgb[],
  hidden: ReadonlySet<number>,
): Colour => {
  const [plain, labelled] = [ofGrey(image), ofLabels(after, palette, hidden, image)];
  return (i, rgba) => (before.data[i] === after.data[i] ? plain : labelled)(i, rgba);
};
