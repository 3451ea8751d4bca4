/** The colours of the layers' pixels. */

import type { Image, Labels } from "../segmenter/segmenter.ts";
import type { Rgb } from "./messages.ts";
import type { Colour } from "./picture.ts";

/** How far the planes of red, green and blue lie apart in the image's data: all three are the same in a grey image [1,H,W]. */
export const planeOf = ({ data, shape }: Image): number => (shape[0] === 1 ? 0 : data.length / shape[0]!);

/** The image itself; the Uint8ClampedArray rounds half to even. */
export const ofImage = (image: Image): Colour => {
  const [{ data }, plane] = [image, planeOf(image)];
  return (i, rgba) => {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[i + c * plane]!;
  };
};

/** 128 + 127·(after − before)/ε: grey where nothing changed. */
export const ofPerturbation = (before: Image, after: Image, epsilon: number): Colour => {
  const [from, to, plane] = [before.data, after.data, planeOf(before)];
  return (i, rgba) => {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = 128 + (127 * (to[i + c * plane]! - from[i + c * plane]!)) / epsilon;
  };
};

/** Shares in 0..1 from black to white. */
export const ofShares =
  (shares: Float32Array): Colour =>
  (i, rgba) =>
    rgba.fill(255 * shares[i]!, 4 * i, 4 * i + 3);

/** The image's Rec. 709 luma in subdued grey, so that coloured classes stand out. */
export const ofGrey = (image: Image): Colour => {
  const [{ data }, plane] = [image, planeOf(image)];
  return (i, rgba) => {
    const luma = 0.2126 * data[i]! + 0.7152 * data[i + plane]! + 0.0722 * data[i + 2 * plane]!;
    rgba.fill(70 + 0.6 * luma, 4 * i, 4 * i + 3);
  };
};

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
