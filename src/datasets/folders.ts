/** Two folders, one of pictures and one of label maps, whose files are named alike. */

import { plain } from "./coding.ts";
import type { Layout } from "./dataset.ts";
import { hasFolder, inSplit, paired, picturesIn, within } from "./pairing.ts";

/** `images` and `labels`, right in the folder or in that of a split. */
export const folders: Layout = {
  title: "two folders",
  expects:
    "images/NAME.png (or .jpg, .webp, .npy) and labels/NAME.png, class indices, 255 for void; both may be in SPLIT/",
  splits: [],
  classes: null,
  coding: plain,
  recognises: (paths, split) => ["images", "labels"].every((kind) => hasFolder(paths, inSplit(split, kind))),
  pairs: async ({ paths, split }) => {
    const [images, labels] = [inSplit(split, "images"), inSplit(split, "labels")];
    return paired(picturesIn(paths, images, { deep: true, arrays: true }), picturesIn(paths, labels, { deep: true }), {
      ofImage: within(images),
      ofLabels: within(labels),
      expected: (image) => `${labels}/${within(images)(image)}.png`,
    });
  },
};
