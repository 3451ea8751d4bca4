/** Data sets in a bucket: data/NAME.json lists files/SHA256. */

import type { DataManifest, DataStore } from "../contract/data.ts";
import { bytesAt, jsonAt, keysUnder, namesUnder, type Bucket } from "./bucket.ts";

const sets = "data/";
const files = "files/";
const setKey = (name: string): string => `${sets}${name}.json`;
const fileKey = (sha256: string): string => `${files}${sha256}`;

/** The files of a data set, by their paths in it. */
export interface SetFiles {
  readonly list: () => Promise<readonly string[]>;
  /** @throws Error where it is not there. */
  readonly read: (path: string) => Promise<Uint8Array>;
  /** Empty for a path that the data set does not have. */
  readonly digestOf: (path: string) => string;
}

export interface BucketDataStore extends DataStore {
  readonly filesOf: (manifest: DataManifest) => SetFiles;
}

const filesIn = (bucket: Bucket, { name, files: all }: DataManifest): SetFiles => {
  const digests = new Map(all.map(({ path, sha256 }) => [path, sha256]));
  const digestOf = (path: string): string => digests.get(path) ?? "";
  return {
    digestOf,
    list: () => Promise.resolve([...digests.keys()].toSorted()),
    read: async (path) => {
      const bytes = await bytesAt(bucket, fileKey(digestOf(path)));
      if (bytes) return bytes;
      throw new Error(`${path} is not in the data set ${name}`);
    },
  };
};

export const bucketData = (bucket: Bucket): BucketDataStore => ({
  names: () => namesUnder(bucket, sets),
  manifest: async (name) => (await jsonAt(bucket, setKey(name))) as DataManifest | null,
  kept: async () => new Set(await keysUnder(bucket, files)),
  filesOf: (manifest) => filesIn(bucket, manifest),
  putFile: async (sha256, bytes) => void (await bucket.put(fileKey(sha256), bytes)),
  file: (sha256) => bytesAt(bucket, fileKey(sha256)),
  commit: async (manifest) => {
    await bucket.put(setKey(manifest.name), JSON.stringify(manifest));
    return true;
  },
  remove: (name) => bucket.delete(setKey(name)),
  dropFiles: async (digests) => {
    for (const sha256 of digests) await bucket.delete(fileKey(sha256));
  },
});
