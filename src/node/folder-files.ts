/** The files of a folder on disk, as data sets list and read them. */

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "../datasets/dataset.ts";
import { bucketFiles } from "./bucket-files.ts";
import { lineOf, Refusal } from "./failure.ts";
import { isInBucket } from "./s3-settings.ts";

/** Hidden files and folders are no part of a data set. Symbolic links are followed. */
const walk = async (root: string, folder: string): Promise<string[]> => {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (entry.name.startsWith(".")) return [];
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const isFolder = entry.isSymbolicLink()
        ? await stat(join(root, path)).then(
            (to) => to.isDirectory(),
            () => false,
          )
        : entry.isDirectory();
      return isFolder ? walk(root, path) : [path];
    }),
  );
  return found.flat();
};

/** @throws Node's error where the folder cannot be read, and a Refusal where a file of it cannot. */
export const folderFiles = (root: string): Files => ({
  list: async () => (await walk(root, "")).toSorted(),
  read: async (path) => {
    try {
      return await readFile(join(root, path));
    } catch (cause) {
      throw new Refusal(lineOf(cause), { cause });
    }
  },
});

/** The files of a folder, or of an address in a bucket. */
const filesIn = (root: string): Files => (isInBucket(root) ? bucketFiles(root) : folderFiles(root));

/** Two folders as one that has them as `images` and `labels`. */
const twoFolders = (images: string, labels: string): Files => {
  const parts = { images: filesIn(images), labels: filesIn(labels) } as const;
  const listed = async (part: keyof typeof parts): Promise<string[]> =>
    (await parts[part].list()).map((path) => `${part}/${path}`);
  return {
    list: async () => [...(await listed("images")), ...(await listed("labels"))],
    read: (path) => {
      const part = path.startsWith("labels/") ? "labels" : "images";
      return parts[part].read(path.slice(part.length + 1));
    },
  };
};

/** Where the files of a data set are: one folder or address in a bucket, or one of pictures and one of label maps. */
export type Roots = string | readonly [images: string, labels: string];

export const filesOf = (roots: Roots): Files =>
  typeof roots === "string" ? filesIn(roots) : twoFolders(roots[0], roots[1]);
