/** CamVid's layout on disk: `images/<name>.{png,jpg,jpeg,webp}` and `labels/<name>.png`. Node only. */
import { readdir, readFile } from "node:fs/promises";
import { join, parse } from "node:path";
import type { DatasetItem } from "./dataset.ts";

const imageExtensions = new Set([".png", ".jpg", ".jpeg", ".webp"]);

/**
 * Lists one split (a folder with `images` and `labels`), sorted by name. The files of an item are read when it is used.
 *
 * @example
 * for (const item of await readCamvid("data/camvid/test")) await decodeLabels(await item.labels(), { maxPixels });
 *
 * @throws Error if a folder is absent, two images have the same name, or an image has no label map.
 */
export const readCamvid = async (folder: string): Promise<DatasetItem[]> => {
  const [images, labels] = await Promise.all(["images", "labels"].map((part) => readdir(join(folder, part))));
  const labelled = new Set(labels);
  const files = images!
    .map((file) => parse(file))
    .filter(({ ext }) => imageExtensions.has(ext.toLowerCase()))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return files.map(({ base, name }, i) => {
    if (files[i + 1]?.name === name) throw new Error(`${folder}: two images are named ${name}`);
    if (!labelled.has(`${name}.png`)) throw new Error(`${folder}: images/${base} has no labels/${name}.png`);
    return {
      name,
      image: () => readFile(join(folder, "images", base)),
      labels: () => readFile(join(folder, "labels", `${name}.png`)),
    };
  });
};
