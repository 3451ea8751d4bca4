/** Reading and writing files, on disks and in buckets: errors name the path, and no file is left half written. */

import { createReadStream } from "node:fs";
import { access, constants, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  piecesAt,
  readObject,
  removeObject,
  requireObject,
  statusInBucket,
  writeObject,
  writtenToBucket,
  type PlaceStatus,
} from "./bucket-files.ts";
import { Refusal } from "./failure.ts";
import { isInBucket } from "./s3-settings.ts";

const PIECE_BYTES = 2 ** 20;

/** Status of a file, or of an address in a bucket; null where nothing exists there. */
export const statOf = async (path: string): Promise<PlaceStatus | null> => {
  if (isInBucket(path)) return statusInBucket(path);
  return stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw cause;
  });
};

/** @throws Refusal where the path is no regular file; Node's error, which names the path, where it cannot be read. */
export const readBytes = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
  const found = await statOf(path);
  if (!found) throw new Refusal(`${path}: no such file`);
  if (found.isDirectory()) throw new Refusal(`${path}: is a directory, not a file`);
  if (!found.isFile() && !found.isFIFO()) throw new Refusal(`${path}: is not a regular file`);
  return isInBucket(path) ? readObject(path) : readFile(path);
};

/** The bytes of a file in pieces. @throws what reading it throws. */
export const piecesOf = (path: string): AsyncIterable<Uint8Array> =>
  isInBucket(path) ? piecesAt(path) : createReadStream(path, { highWaterMark: PIECE_BYTES });

/** Removes a file, if it is there. */
export const removeFile = (path: string): Promise<void> =>
  isInBucket(path) ? removeObject(path) : rm(path, { force: true });

/** Has a file written by its path, wherever it is to be. */
export const writtenAt = (path: string, write: (path: string) => Promise<void>): Promise<void> =>
  isInBucket(path) ? writtenToBucket(path, write) : write(path);

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
  if (isInBucket(path)) requireObject(path);
  const found = await statOf(path);
  if (found?.isDirectory()) throw new Refusal(`${path}: is a directory; name a file`);
  if (found && !found.isFile()) throw new Refusal(`${path}: is not a regular file`);
  if (isInBucket(path)) return;
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
  if (isInBucket(path)) throw new Refusal(`${path}: is in a bucket; a folder on this machine is taken here`);
  const found = await statOf(path);
  if (found && !found.isDirectory()) throw new Refusal(`${path}: is not a folder`);
  if (found) return access(path, constants.W_OK);
  return checkFolder(dirname(resolve(path)));
};

/** The content of a JSON file that people read. */
export const jsonFile = (value: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Writes temporary files next to the targets, then renames them, so that each target is complete or unchanged. All are written before the first is renamed. */
export const writeFiles = async (files: readonly (readonly [path: string, bytes: Uint8Array])[]): Promise<void> => {
  const staged = files
    .filter(([path]) => !isInBucket(path))
    .map(([path, bytes]) => ({ path, bytes, draft: `${path}.${process.pid}.tmp` }));
  try {
    for (const { draft, bytes } of staged) await writeWhole(draft, bytes);
    // Objects are complete or unchanged by themselves.
    for (const [path, bytes] of files) if (isInBucket(path)) await writeObject(path, bytes);
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
