/** The classes of data sets by their names, and classes that are counted or named. */

import { ade20kClasses } from "../datasets/ade20k-classes.ts";
import { camvidClasses } from "../datasets/camvid-classes.ts";
import { cityscapesClasses } from "../datasets/cityscapes-classes.ts";
import { cocoStuffNames } from "../datasets/coco-stuff-classes.ts";
import { vocClasses } from "../datasets/voc-classes.ts";
import { colourOf, type NamedClass } from "../segmenter/describe/classes.ts";

type Listed = readonly { readonly name: string; readonly color: readonly [number, number, number] }[];

export const palettes: Readonly<Record<string, Listed>> = {
  voc: vocClasses,
  cityscapes: cityscapesClasses,
  camvid: camvidClasses,
  ade20k: ade20kClasses,
  "coco-stuff": cocoStuffNames.map((name, i) => ({ name, color: colourOf(i + 1) })),
};

export const paletteNames = Object.keys(palettes);

/** Classes of these names, in colours by their indices. */
export const namedClasses = (names: readonly string[]): NamedClass[] =>
  names.map((name, i) => ({ name, color: colourOf(i) }));

/** The classes given, or so many, with the names and the colours of a palette. */
export const inPalette = (
  given: number | readonly NamedClass[] | undefined,
  palette: Listed | undefined,
): number | readonly NamedClass[] | undefined => {
  if (!palette) return given;
  const own = palette.map(({ name, color: [r, g, b] }): NamedClass => ({ name, color: [r, g, b] }));
  if (given === undefined) return own;
  if (typeof given === "number") return own.slice(0, given);
  return given.map(({ name }, i) => ({ name, color: own[i]?.color ?? colourOf(i) }));
};
