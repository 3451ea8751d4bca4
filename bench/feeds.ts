/** Inputs of benches and of tests of backends, the same in every run. */

import { readFileSync } from "node:fs";
import { decodeImage } from "../src/image/decode.ts";
import { resizeBilinear } from "../src/image/resize.ts";
import type { Image } from "../src/segmenter/segmenter.ts";
import { type Size, tensor } from "../src/tensor.ts";

/** Image size for networks that accept any. */
export const usual: Size = { height: 360, width: 480 };

/** An image and its labels, all of class 0. */
export const feedsOf = ({ height, width }: Size) => ({
  image: tensor(
    "float32",
    [1, 3, height, width],
    Float32Array.from({ length: 3 * height * width }, (_, i) => (i * 2654435761) % 256),
  ),
  target: tensor("int32", [1, height, width], new Int32Array(height * width)),
});

const file = new URL("../examples/street.png", import.meta.url);

/** The example picture, [3,H,W]. On noise, networks decide labels by margins below the rounding error. */
export const street = async ({ height, width }: Size): Promise<Image> =>
  resizeBilinear(await decodeImage(readFileSync(file), { maxPixels: 2 ** 20 }), [height, width]);
