/** Data sets in a bucket: data/NAME.json lists files/SHA256. */

import type { DataManifest, DataStore } from "../contract/data.ts";
import { bytesAt, jsonAt, keysUnder, namesUnder, type Bucket } from "./bucket.ts";

const sets = "data/";
const files = "files/";
const setKey = (name: string): string => `${sets}${name}.json`;
const fileKey = (sha256: string): string => `${files}${sha256}`;

export interface BucketDataStore extends DataStore {
  /** Null where it is not kept. */
  readonly file: (sha256: string) => Promise<Uint8Array | null>;
}

export const bucketData = (bucket: Bucket): BucketDataStore => ({
  names: () => namesUnder(bucket, sets),
  manifest: async (name) => (await jsonAt(bucket, setKey(name))) as DataManifest | null,
  kept: async () => new Set(await keysUnder(bucket, files)),
  file: (sha256) => bytesAt(bucket, fileKey(sha256)),
  putFile: async (sha256, bytes) => void (await bucket.put(fileKey(sha256), bytes)),
  commit: async (manifest) => {
    await bucket.put(setKey(manifest.name), JSON.stringify(manifest));
    return true;
  },
  remove: (name) => bucket.delete(setKey(name)),
  dropFiles: async (digests) => {
    for (const sha256 of digests) await bucket.delete(fileKey(sha256));
  },
});
