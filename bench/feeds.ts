/** What benches feed: their images' size, and pixels that are the same every time. */

import type { Size } from "../src/segmenter/size.ts";
import { tensor } from "../src/tensor.ts";

/** Of networks that take any size. */
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
