/** Images and label maps to run networks on. */

import { random } from "../../../src/random.ts";
import type { Image, Labels } from "../../../src/segmenter/segmenter.ts";
import { tensorOf } from "../../../src/tensor.ts";

/** Random grey levels, whole as in a picture file; 0 and 255 occur. */
export const noiseImage = (height: number, width: number, seed = 1): Image => {
  const next = random(seed);
  const values = Array.from({ length: 3 * height * width }, () =>
    Math.min(255, Math.max(0, Math.floor(280 * next()) - 12)),
  );
  return tensorOf("float32", [3, height, width], values);
};

/** Random classes; about one pixel in ten is void where `voids`. */
export const noiseLabels = (height: number, width: number, classes: number, seed = 1, voids = false): Labels => {
  const next = random(seed);
  const draw = () => (voids && next() < 0.1 ? 255 : Math.floor(classes * next()));
  return tensorOf("uint8", [height, width], Array.from({ length: height * width }, draw));
};
