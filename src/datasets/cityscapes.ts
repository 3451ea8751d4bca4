/** Cityscapes (Cordts et al., CVPR 2016): of its 34 label ids, 19 are evaluated. */

import { plain, ranked } from "./coding.ts";
import type { Layout } from "./dataset.ts";
import { baseOf, hasFolder, paired, picturesIn } from "./pairing.ts";

/** The label ids that have a train id, in the order of their train ids (cityscapesScripts, labels.py). */
export const cityscapesIds = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33] as const;

const suffix = "_gtFine_labelIds.png";

const layout = (ending: string): Layout => ({
  title: "Cityscapes",
  expects: `leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png and gtFine/SPLIT/CITY/NAME${ending}`,
  splits: ["val", "train", "test"],
  classes: cityscapesIds.length,
  coding: ending === suffix ? { values: ranked(cityscapesIds) } : plain,
  recognises: (paths) => hasFolder(paths, "leftImg8bit") && paths.some((path) => path.endsWith(ending)),
  pairs: async ({ paths, split }) => {
    const images = picturesIn(paths, `leftImg8bit/${split}`, { deep: true });
    const labels = picturesIn(paths, `gtFine/${split}`, { deep: true }).filter((path) => path.endsWith(ending));
    return paired(images, labels, {
      ofImage: (path) => baseOf(path).replace(/_leftImg8bit\.png$/, ""),
      ofLabels: (path) => baseOf(path).slice(0, -ending.length),
      expected: (image) => image.replace(/^leftImg8bit/, "gtFine").replace(/_leftImg8bit\.png$/, ending),
    });
  },
});

/** As it is distributed: maps of label ids, which become the 19 train ids. */
export const cityscapes = layout(suffix);

/** With maps of train ids, as cityscapesScripts makes them. */
export const cityscapesTrainIds: Layout = {
  ...layout("_gtFine_labelTrainIds.png"),
  title: "Cityscapes with maps of train ids",
};
