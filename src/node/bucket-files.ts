/** What a file and a folder are in a bucket: an object, and whatever keys begin so. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Files } from "../datasets/dataset.ts";
import { bucketData } from "../store/bucket-data.ts";
import { bytesAt, keysUnder } from "../store/bucket.ts";
import { Refusal, UsageError } from "./failure.ts";
import { openBucket, type S3Bucket } from "./s3.ts";
import { addressOf, parseAddress, type S3Address } from "./s3-settings.ts";

/** What is asked of a file's status, on disks and in buckets. */
export interface PlaceStatus {
  readonly isFile: () => boolean;
  readonly isDirectory: () => boolean;
  readonly isFIFO: () => boolean;
  readonly size: number;
}

const statusOf = (isFile: boolean, size: number): PlaceStatus => ({
  isFile: () => isFile,
  isDirectory: () => !isFile,
  isFIFO: () => false,
  size,
});

/** @throws UsageError for an address that is no object's. */
export const requireObject = (address: string): S3Address => {
  const parsed = parseAddress(address);
  if (parsed.set === undefined) return parsed;
  throw new UsageError(`${address}: #${parsed.set} goes with the data of an evaluation alone`);
};

/** The object of an address, in its bucket. @throws UsageError for an address that is no object's. */
export const objectAt = (address: string): { readonly bucket: S3Bucket; readonly key: string } => {
  const { bucket, key } = requireObject(address);
  return { bucket: openBucket(addressOf({ bucket, key: "" })), key };
};

/** @throws Refusal where there is no such object. */
export const readObject = async (address: string): Promise<Uint8Array<ArrayBuffer>> => {
  const { bucket, key } = objectAt(address);
  const bytes = await bytesAt(bucket, key);
  if (bytes) return bytes;
  throw new Refusal(`${address}: no such object`);
};

export const writeObject = async (address: string, bytes: Uint8Array): Promise<void> => {
  const { bucket, key } = objectAt(address);
  await bucket.put(key, bytes);
};

export const removeObject = async (address: string): Promise<void> => {
  const { bucket, key } = objectAt(address);
  await bucket.delete(key);
};

/** @throws Refusal where there is no such object. */
export const piecesAt = (address: string): AsyncIterable<Uint8Array> => {
  const { bucket, key } = objectAt(address);
  return bucket.pieces(key);
};

/** Has a file written somewhere on this machine, then puts it there, of any size. */
export const writtenToBucket = async (address: string, write: (path: string) => Promise<void>): Promise<void> => {
  const { bucket, key } = objectAt(address);
  const scratch = await mkdtemp(join(tmpdir(), "faultline-"));
  try {
    const path = join(scratch, "file");
    await write(path);
    await bucket.putFile(key, path);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** The data set that was pushed to a bucket; null where there is none of that name. */
const pushedAt = async (address: string): Promise<Files | null> => {
  const { bucket, key, set = "" } = parseAddress(address);
  const store = bucketData(openBucket(addressOf({ bucket, key })));
  const manifest = await store.manifest(set);
  return manifest && store.filesOf(manifest);
};

const hasAny = async (bucket: S3Bucket, prefix: string): Promise<boolean> =>
  (await bucket.list({ prefix })).objects.length > 0;

/** Null where there is neither an object nor a key below it. */
export const statusInBucket = async (address: string): Promise<PlaceStatus | null> => {
  if (parseAddress(address).set !== undefined) return (await pushedAt(address)) && statusOf(false, 0);
  const { bucket, key } = objectAt(address);
  const found = key === "" ? null : await bucket.stat(key);
  if (found) return statusOf(true, found.size);
  return (await hasAny(bucket, key === "" ? "" : `${key}/`)) ? statusOf(false, 0) : null;
};

/** The files of a data set that was pushed, or those below a prefix; hidden ones are no part of it. @throws Refusal where it cannot be read. */
export const bucketFiles = (address: string): Files => {
  if (parseAddress(address).set !== undefined) {
    let opened: Promise<Files | null> | undefined;
    const files = async (): Promise<Files> => {
      const found = await (opened ??= pushedAt(address));
      if (found) return found;
      throw new Refusal(`${address}: there is no such data set`);
    };
    return { list: async () => (await files()).list(), read: async (path) => (await files()).read(path) };
  }
  const bucket = openBucket(address);
  return {
    list: async () => {
      const keys = await keysUnder(bucket, "");
      // Consoles mark a folder by an object whose key ends so.
      return keys.filter((key) => !key.endsWith("/") && !/(^|\/)\./.test(key)).toSorted();
    },
    read: async (path) => {
      const bytes = await bytesAt(bucket, path);
      if (bytes) return bytes;
      throw new Refusal(`${address}/${path}: no such object`);
    },
  };
};
