/** CamVid (Brostow, Fauqueur, Cipolla, PRL 30(2), 2009): as it is distributed, in 32 colours, and as SegNet arranged it, in 11 indices. */

import { camvid32Labels } from "./camvid-32-classes.ts";
import { camvidClasses } from "./camvid-classes.ts";
import { plain, type Coding } from "./coding.ts";
import type { Layout } from "./dataset.ts";
import { hasFolder, paired, picturesIn, stemOf } from "./pairing.ts";

const VOID = 255;
const [frames, labelled] = ["701_StillsRaw_full", "LabeledApproved_full"] as const;

const palette = camvid32Labels.map(([, color]) => color);
const codedBy = (classOf: (index: number) => number | null): Coding => ({
  palette,
  values: Object.fromEntries(palette.map((_, index) => [index, classOf(index) ?? VOID])),
});

/** In colours: NAME.png and NAME_L.png. */
const coloured = (title: string, classes: number, coding: Coding): Layout => ({
  title,
  expects: `${frames}/NAME.png and ${labelled}/NAME_L.png, in the 32 colours`,
  splits: [],
  classes,
  coding,
  recognises: (paths) => hasFolder(paths, labelled),
  pairs: async ({ paths }) =>
    paired(picturesIn(paths, frames), picturesIn(paths, labelled), {
      ofImage: stemOf,
      ofLabels: (path) => stemOf(path).replace(/_L$/, ""),
      expected: (image) => `${labelled}/${stemOf(image)}_L.png`,
    }),
});

/** All 32 labels, of which Void is void. */
export const camvid32 = coloured(
  "CamVid, 32 labels",
  camvid32Labels.length,
  codedBy((index) => (camvid32Labels[index]?.[2] === null ? null : index)),
);

/** The 32 labels grouped to 11 classes. */
export const camvidGrouped = coloured(
  "CamVid, 32 labels grouped to 11 classes",
  camvidClasses.length,
  codedBy((index) => camvid32Labels[index]?.[2] ?? null),
);

/** SegNet's arrangement: SPLIT with SPLITannot beside it, class indices; 11 is void. */
export const camvid: Layout = {
  title: "CamVid, 11 classes",
  expects: "SPLIT/NAME.png and SPLITannot/NAME.png, class indices, 11 or 255 for void",
  splits: ["test", "val", "train"],
  classes: camvidClasses.length,
  coding: { ...plain, values: { [camvidClasses.length]: VOID } },
  recognises: (paths) => paths.some((path) => /^(train|val|test)annot\//.test(path)),
  pairs: async ({ paths, split }) =>
    paired(picturesIn(paths, split), picturesIn(paths, `${split}annot`), {
      ofImage: stemOf,
      ofLabels: stemOf,
      expected: (image) => `${split}annot/${stemOf(image)}.png`,
    }),
};
