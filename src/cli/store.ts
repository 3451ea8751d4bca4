/** A folder that is replaced as a whole. */

import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Refusal } from "../node/failure.ts";
import { checkFolder, statOf } from "../node/files.ts";

/** @throws Refusal where the folder exists and may not be replaced, or could not be created. */
export const checkReplaceable = async (folder: string, force: boolean): Promise<void> => {
  const found = await statOf(folder);
  if (found && !found.isDirectory()) throw new Refusal(`${folder}: is there, and is not a folder`);
  if (found && !force) throw new Refusal(`${folder}: is there already; --force replaces it`);
  await checkFolder(dirname(folder));
};

/**
 * Creates `folder` with these files, or replaces them in it and keeps all others. The folder is written under a temporary name next
 * to its place and renamed, so that it is complete or unchanged.
 */
export const storeFolder = async (
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
  force: boolean,
): Promise<void> => {
  await checkReplaceable(folder, force);
  const beside = (what: string): string => join(dirname(folder), `.${basename(folder)}.${process.pid}.${what}`);
  const [draft, former] = [beside("new"), beside("old")];
  try {
    await mkdir(draft, { recursive: true });
    const replaces = (await statOf(folder)) !== null;
    if (replaces) await cp(folder, draft, { recursive: true });
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(draft, name), bytes, { flush: true });
    if (replaces) await rename(folder, former);
    try {
      await rename(draft, folder);
    } catch (cause) {
      if (replaces) await rename(former, folder);
      throw cause;
    }
    await rm(former, { recursive: true, force: true });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
};
