/** Pictures alone, without label maps. */

import type { Layout } from "./dataset.ts";
import { alone, hasFolder, inSplit, picturesIn, within } from "./pairing.ts";

/** The pictures below `images`, where there is that folder, else all in the folder; of a split, the same in the folder of the split. */
export const pictures: Layout = {
  title: "pictures without label maps",
  expects:
    "NAME.png (or .jpg, .webp, .npy) at any depth, below images/ where there is that folder; all may be in SPLIT/",
  splits: [],
  classes: null,
  coding: null,
  recognises: () => false,
  pairs: async ({ paths, split }) => {
    const images = inSplit(split, "images");
    const folder = hasFolder(paths, images) ? images : split;
    return alone(picturesIn(paths, folder, { deep: true, arrays: true }), within(folder));
  },
};
