/** Pairs of `images` and `labels` in a folder, for scripts. */

import { folders } from "../src/datasets/folders.ts";
import { folderFiles } from "../src/node/folder-files.ts";

export interface LabelledItem {
  readonly name: string;
  readonly image: () => Promise<Uint8Array>;
  readonly labels: () => Promise<Uint8Array>;
}

/** @throws Error that names every picture without a label map. */
export const labelledIn = async (folder: string): Promise<LabelledItem[]> => {
  const files = folderFiles(folder);
  const { pairs, faults } = await folders.pairs({ files, paths: await files.list(), split: "" });
  if (faults.length > 0) throw new Error(`${folder}: ${faults.join("; ")}`);
  return pairs.map(({ name, image, labels }) => ({
    name,
    image: () => files.read(image),
    labels: () => files.read(labels!),
  }));
};
