/** Uploaded networks in a folder: NAME/entry.json describes NAME/FILE. For services in Node. */

import { mkdir, open, readFile, readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { UploadStore } from "../networks/upload-store.ts";

const ENTRY = "entry.json";

/** Returns null for a missing file and rethrows other errors. */
export const nullIfAbsent = (cause: NodeJS.ErrnoException): null => {
  if (cause.code === "ENOENT") return null;
  throw cause;
};

/** Writes a temporary file, flushes it to the disk and renames it, so that the file is either complete or absent. */
export const writeWhole = async (path: string, content: string | Uint8Array): Promise<void> => {
  const draft = `${path}.${crypto.randomUUID()}.draft`;
  try {
    const file = await open(draft, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
};

/** Where the file of an uploaded network lies, which is never written to again. */
export const uploadedFile = (root: string, name: string, file: string): string => join(root, name, file);

/** A store in a folder, which is created with the first upload. */
export const folderUploads = (root: string): UploadStore => {
  const readEntry = (name: string) => readFile(join(root, name, ENTRY), "utf8").catch(nullIfAbsent);
  const removeFile: UploadStore["removeFile"] = async (name, file) => {
    await rm(join(root, name, file), { force: true });
    // The folder stays if another upload has written to it in the meantime.
    await rmdir(join(root, name)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOTEMPTY" && cause.code !== "EEXIST") return nullIfAbsent(cause);
      return null;
    });
  };
  return {
    list: async () => {
      const folders = (await readdir(root, { withFileTypes: true }).catch(nullIfAbsent)) ?? [];
      const names = folders.filter((each) => each.isDirectory()).map(({ name }) => name);
      const entries = await Promise.all(names.map(readEntry));
      return names.filter((_, i) => entries[i] !== null).toSorted();
    },
    entry: async (name) => {
      const text = await readEntry(name);
      return text === null ? null : (JSON.parse(text) as unknown);
    },
    file: (name, file) => readFile(uploadedFile(root, name, file)).catch(nullIfAbsent),
    write: async (entry, bytes) => {
      const { name, file } = entry.manifest;
      try {
        await mkdir(join(root, name), { recursive: true });
        await writeWhole(join(root, name, file), bytes);
        await writeWhole(join(root, name, ENTRY), JSON.stringify(entry));
      } catch (cause) {
        // A failed upload leaves nothing behind; a previous entry and its file stay.
        await removeFile(name, file).catch(() => undefined);
        throw cause;
      }
    },
    removeEntry: (name) => rm(join(root, name, ENTRY), { force: true }),
    removeFile,
  };
};
