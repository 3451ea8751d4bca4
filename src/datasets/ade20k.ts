/** The scene parsing benchmark of ADE20K (Zhou et al., CVPR 2017): 0 is void, 1 to 150 are the classes. */

import { ranked } from "./coding.ts";
import type { Layout } from "./dataset.ts";
import { hasFolder, paired, picturesIn, stemOf } from "./pairing.ts";

const CLASSES = 150;

export const ade20k: Layout = {
  title: "ADE20K, scene parsing",
  expects: "images/SPLIT/NAME.jpg and annotations/SPLIT/NAME.png, 0 for void and 1 to 150 for the classes",
  splits: ["validation", "training"],
  classes: CLASSES,
  coding: { values: ranked(Array.from({ length: CLASSES }, (_, index) => index + 1)) },
  recognises: (paths) => hasFolder(paths, "annotations/validation") || hasFolder(paths, "annotations/training"),
  pairs: async ({ paths, split }) =>
    paired(picturesIn(paths, `images/${split}`), picturesIn(paths, `annotations/${split}`), {
      ofImage: stemOf,
      ofLabels: stemOf,
      expected: (image) => `annotations/${split}/${stemOf(image)}.png`,
    }),
};
