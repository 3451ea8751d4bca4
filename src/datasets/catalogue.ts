/** Every layout by its name. */

import { ade20k } from "./ade20k.ts";
import { camvid, camvid32, camvidGrouped } from "./camvid.ts";
import { cityscapes, cityscapesTrainIds } from "./cityscapes.ts";
import { cocoStuff } from "./coco-stuff.ts";
import type { Layout } from "./dataset.ts";
import { folders } from "./folders.ts";
import { list } from "./list.ts";
import { pictures } from "./pictures.ts";
import { voc } from "./voc.ts";

export const layouts = {
  voc,
  cityscapes,
  "cityscapes-train-ids": cityscapesTrainIds,
  camvid,
  "camvid-11": camvidGrouped,
  "camvid-32": camvid32,
  ade20k,
  "coco-stuff": cocoStuff,
  folders,
  list,
  pictures,
} as const satisfies Readonly<Record<string, Layout>>;

export type LayoutName = keyof typeof layouts;

export const layoutNames = Object.keys(layouts) as readonly LayoutName[];

export const layoutOf = (name: LayoutName): Layout => layouts[name];

/** Whether the pictures of a layout have no label maps, so that the clean prediction of each network is its reference. */
export const isUnlabelled = (name: LayoutName): boolean => layoutOf(name).coding === null;

/** The first layout that these paths look like; null for none. */
export const recognised = (paths: readonly string[], split: string): LayoutName | null =>
  layoutNames.find((name) => layoutOf(name).recognises(paths, split)) ?? null;
