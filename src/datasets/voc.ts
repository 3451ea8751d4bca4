/** Pascal VOC (Everingham et al., IJCV 88(2), 2010): a file lists the names of a split's images. */

import { plain } from "./coding.ts";
import type { Layout } from "./dataset.ts";
import { hasFolder } from "./pairing.ts";

const lists = "ImageSets/Segmentation";

export const voc: Layout = {
  title: "Pascal VOC",
  expects: `JPEGImages/NAME.jpg, SegmentationClass/NAME.png and ${lists}/SPLIT.txt, a NAME a line`,
  splits: ["val", "train", "trainval", "test"],
  classes: 21,
  coding: plain,
  recognises: (paths) => hasFolder(paths, "JPEGImages"),
  pairs: async ({ files, paths, split }) => {
    const list = `${lists}/${split}.txt`;
    if (!paths.includes(list)) return { pairs: [], faults: [`${list}: no such file, which lists the split ${split}`] };
    const text = new TextDecoder().decode(await files.read(list));
    const names = [...new Set(text.split(/\s+/).filter(Boolean))].toSorted();
    const present = new Set(paths);
    const pairs = names.map((name) => ({
      name,
      image: `JPEGImages/${name}.jpg`,
      labels: `SegmentationClass/${name}.png`,
    }));
    const faults = pairs.flatMap(({ image, labels }) =>
      [image, labels].filter((path) => !present.has(path)).map((path) => `${path}: no such file, which ${list} lists`),
    );
    return { pairs: pairs.filter(({ image, labels }) => present.has(image) && present.has(labels)), faults };
  },
};
