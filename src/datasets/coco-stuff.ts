/** COCO-Stuff (Caesar, Uijlings, Ferrari, CVPR 2018): of its 182 ids, 171 have a class. */

import { ranked } from "./coding.ts";
import type { Layout } from "./dataset.ts";
import { hasFolder, paired, picturesIn, stemOf } from "./pairing.ts";

/** The values of the maps, one less than the ids, of the eleven kinds of things that were never annotated. */
const unused: ReadonlySet<number> = new Set([11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90]);
const VALUES = 182;

/** The value of each of the 171 classes. */
export const cocoStuffValues = Array.from({ length: VALUES }, (_, value) => value).filter((v) => !unused.has(v));

const folder = "stuffthingmaps";

export const cocoStuff: Layout = {
  title: "COCO-Stuff",
  expects: `images/SPLIT/NAME.jpg (or SPLIT/NAME.jpg) and ${folder}/SPLIT/NAME.png, ids less 1, 255 for void`,
  splits: ["val2017", "train2017"],
  classes: cocoStuffValues.length,
  coding: { values: ranked(cocoStuffValues) },
  recognises: (paths) => hasFolder(paths, folder),
  pairs: async ({ paths, split }) => {
    const images = picturesIn(paths, `images/${split}`);
    const maps = picturesIn(paths, `${folder}/${split}`).filter((path) => !path.includes("_labelTrainIds"));
    return paired(images.length > 0 ? images : picturesIn(paths, split), maps, {
      ofImage: stemOf,
      ofLabels: stemOf,
      expected: (image) => `${folder}/${split}/${stemOf(image)}.png`,
    });
  },
};
