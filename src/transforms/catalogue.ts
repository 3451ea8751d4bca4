/** Every transformation by its name. */

import { bitDepth } from "./bit-depth.ts";
import { blur } from "./blur.ts";
import { colourJitter } from "./colour-jitter.ts";
import { greyscale } from "./greyscale.ts";
import { jpeg } from "./jpeg.ts";
import { noise } from "./noise.ts";
import { pad } from "./pad.ts";
import { resizeAndPad } from "./resize-and-pad.ts";
import { resize } from "./resize.ts";
import type { TransformEntry } from "./transform.ts";
import { translate } from "./translate.ts";

export const transforms = {
  resize,
  jpeg,
  blur,
  noise,
  "colour-jitter": colourJitter,
  greyscale,
  "bit-depth": bitDepth,
  translate,
  pad,
  "resize-and-pad": resizeAndPad,
} as const satisfies Readonly<Record<string, TransformEntry>>;

export type TransformName = keyof typeof transforms;

export const transformNames = Object.keys(transforms) as readonly TransformName[];

export const transformEntry = (name: TransformName): TransformEntry => transforms[name];
