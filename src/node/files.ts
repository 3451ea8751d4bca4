/** Reading and writing files: errors name the path, and no file is left half written. */

import { access, constants, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Refusal } from "./failure.ts";

/** File status of `path`, or null where nothing exists there. */
export const statOf = async (path: string) =>
  stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw cause;
  });

/** @throws Refusal where the path is no regular file; Node's error, which names the path, where it cannot be read. */
export const readBytes = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
  const found = await statOf(path);
  if (!found) throw new Refusal(`${path}: no such file`);
  if (found.isDirectory()) throw new Refusal(`${path}: is a directory, not a file`);
  if (!found.isFile() && !found.isFIFO()) throw new Refusal(`${path}: is not a regular file`);
  return readFile(path);
};

/** @throws Refusal where the file is not a JSON object. */
export const readJson = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
  const text = new TextDecoder().decode(await readBytes(path));
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new Refusal(`${path}: is not JSON: ${(cause as Error).message}`, { cause });
  }
  throw new Refusal(`${path}: is not a JSON object`);
};

/**
 * Checks an output path before any work is done.
 *
 * @param sources input files, which the output must not replace.
 * @throws Refusal where the file could not be written or would replace a source.
 */
export const checkWritable = async (path: string, sources: readonly string[]): Promise<void> => {
  const found = await statOf(path);
  if (found?.isDirectory()) throw new Refusal(`${path}: is a directory; name a file`);
  if (found && !found.isFile()) throw new Refusal(`${path}: is not a regular file`);
  const folder = await statOf(dirname(path));
  if (!folder?.isDirectory()) throw new Refusal(`${path}: there is no folder ${dirname(path)}`);
  await access(dirname(path), constants.W_OK);
  if (!found) return;
  const own = await realpath(path);
  for (const source of sources) {
    const other = await realpath(source).catch(() => resolve(source));
    if (own === other) throw new Refusal(`${path}: would replace ${source}, which is read; name another file`);
  }
};

/** Checks an output folder before any work is done. @throws Refusal, or Node's error, where it could not be created or written to. */
export const checkFolder = async (path: string): Promise<void> => {
  const found = await statOf(path);
  if (found && !found.isDirectory()) throw new Refusal(`${path}: is not a folder`);
  if (found) return access(path, constants.W_OK);
  return checkFolder(dirname(resolve(path)));
};

/** The content of a JSON file that people read. */
export const jsonFile = (value: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Writes temporary files next to the targets, then renames them, so that each target is complete or unchanged. All are written before the first is renamed. */
export const writeFiles = async (files: readonly (readonly [path: string, bytes: Uint8Array])[]): Promise<void> => {
  const staged = files.map(([path, bytes]) => ({ path, bytes, draft: `${path}.${process.pid}.tmp` }));
  try {
    for (const { draft, bytes } of staged) await writeWhole(draft, bytes);
    for (const { draft, path } of staged) await rename(draft, path);
  } finally {
    for (const { draft } of staged) await rm(draft, { force: true });
  }
};

const writeWhole = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
};
