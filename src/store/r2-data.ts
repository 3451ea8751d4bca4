/** Data sets in an R2 bucket: data/NAME.json lists files/SHA256. */

import type { DataManifest, DataStore } from "../contract/data.ts";
import { keysUnder, type Bucket } from "./r2.ts";

const sets = "data/";
const files = "files/";
const setKey = (name: string): string => `${sets}${name}.json`;
const fileKey = (sha256: string): string => `${files}${sha256}`;

export interface R2DataStore extends DataStore {
  /** Null where it is not kept. */
  readonly file: (sha256: string) => Promise<Uint8Array | null>;
}

export const r2Data = (bucket: Bucket): R2DataStore => ({
  names: async () => (await keysUnder(bucket, sets)).map((key) => key.slice(0, -".json".length)).toSorted(),
  manifest: async (name) => {
    const object = await bucket.get(setKey(name));
    return object && (JSON.parse(await object.text()) as DataManifest);
  },
  kept: async () => new Set(await keysUnder(bucket, files)),
  file: async (sha256) => {
    const object = await bucket.get(fileKey(sha256));
    return object && new Uint8Array(await object.arrayBuffer());
  },
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
