/** Data sets in a folder: NAME/PATH are links to .files/SHA256, and NAME/.pushed.json lists them. Folders without such a list are the operator's own. */

import { link, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DataManifest, DataStore } from "../contract/data.ts";
import { nullIfAbsent, writeWhole } from "./folder.ts";

/** Hidden: no part of a data set. */
const FILES = ".files";
const LIST = ".pushed.json";

export const folderData = (root: string): DataStore => {
  const fileAt = (sha256: string): string => join(root, FILES, sha256);
  const listed = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder).catch(nullIfAbsent)) ?? [];
  const manifest = async (name: string): Promise<DataManifest | null> => {
    const text = await readFile(join(root, name, LIST), "utf8").catch((cause: NodeJS.ErrnoException) =>
      // A list of pictures is a file of the operator's.
      cause.code === "ENOTDIR" ? null : nullIfAbsent(cause),
    );
    return text === null ? null : (JSON.parse(text) as DataManifest);
  };
  const names = async (): Promise<readonly string[]> =>
    (await listed(root)).filter((name) => !name.startsWith(".")).toSorted();
  /** The folder of a data set, before it has its name. */
  const linked = async ({ files }: DataManifest, text: string): Promise<string> => {
    const draft = join(root, `.draft-${crypto.randomUUID()}`);
    await mkdir(draft, { recursive: true });
    for (const { path, sha256 } of files) {
      const at = join(draft, path);
      await mkdir(dirname(at), { recursive: true });
      await link(fileAt(sha256), at);
    }
    await writeWhole(join(draft, LIST), text);
    return draft;
  };
  return {
    names,
    manifest,
    kept: async () => new Set((await listed(join(root, FILES))).filter((name) => /^[0-9a-f]{64}$/.test(name))),
    putFile: async (sha256, bytes) => {
      await mkdir(join(root, FILES), { recursive: true });
      await writeWhole(fileAt(sha256), bytes);
    },
    file: (sha256) => readFile(fileAt(sha256)).catch(nullIfAbsent),
    commit: async (given) => {
      const { name } = given;
      const isTaken = (await names()).includes(name);
      if (isTaken && !(await manifest(name))) return false;
      const draft = await linked(given, JSON.stringify(given));
      const former = join(root, `.former-${crypto.randomUUID()}`);
      if (isTaken) await rename(join(root, name), former);
      await rename(draft, join(root, name));
      await rm(former, { recursive: true, force: true });
      return true;
    },
    remove: (name) => rm(join(root, name), { recursive: true, force: true }),
    dropFiles: async (digests) => {
      for (const sha256 of digests) await rm(fileAt(sha256), { force: true });
    },
  };
};
