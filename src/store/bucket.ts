/** What is asked of a bucket, and uploaded networks in one: manifests/NAME.json describes networks/NAME/FILE. */

import type { UploadStore } from "../networks/upload-store.ts";

/** The part of R2's bucket type that is used, so that the binding of a Worker is one as it is. */
export interface Bucket {
  readonly get: (key: string) => Promise<{
    readonly arrayBuffer: () => Promise<ArrayBuffer>;
    readonly text: () => Promise<string>;
  } | null>;
  readonly put: (key: string, value: string | Uint8Array) => Promise<unknown>;
  readonly delete: (key: string) => Promise<void>;
  readonly list: (options: { readonly prefix: string; readonly cursor?: string }) => Promise<{
    readonly objects: readonly { readonly key: string }[];
    readonly truncated: boolean;
    readonly cursor?: string;
  }>;
}

const entries = "manifests/";
const entryKey = (name: string): string => `${entries}${name}.json`;
/** Where the file of an uploaded network lies, which is never written to again. */
export const uploadedKey = (name: string, file: string): string => `networks/${name}/${file}`;

/** The keys that begin so, without their beginning. */
export const keysUnder = async (bucket: Pick<Bucket, "list">, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for (let cursor: string | undefined, more = true; more;) {
    const page = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.objects.map(({ key }) => key.slice(prefix.length)));
    cursor = page.cursor;
    more = page.truncated;
  }
  return keys;
};

/** The names of the JSON objects whose keys begin so, in alphabetical order. */
export const namesUnder = async (bucket: Pick<Bucket, "list">, prefix: string): Promise<string[]> =>
  (await keysUnder(bucket, prefix)).map((key) => key.slice(0, -".json".length)).toSorted();

/** The content of a JSON object; null where there is none. */
export const jsonAt = async (bucket: Pick<Bucket, "get">, key: string): Promise<unknown> => {
  const object = await bucket.get(key);
  return object && (JSON.parse(await object.text()) as unknown);
};

/** The bytes of an object; null where there is none. */
export const bytesAt = async (bucket: Pick<Bucket, "get">, key: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  const object = await bucket.get(key);
  return object && new Uint8Array(await object.arrayBuffer());
};

/** A store in a bucket. R2 and S3 are strongly consistent, and objects are written atomically. */
export const bucketUploads = (bucket: Bucket): UploadStore => ({
  list: () => namesUnder(bucket, entries),
  entry: (name) => jsonAt(bucket, entryKey(name)),
  file: (name, file) => bytesAt(bucket, uploadedKey(name, file)),
  write: async (entry, bytes) => {
    const { name, file } = entry.manifest;
    await bucket.put(uploadedKey(name, file), bytes);
    await bucket.put(entryKey(name), JSON.stringify(entry));
  },
  removeEntry: (name) => bucket.delete(entryKey(name)),
  removeFile: (name, file) => bucket.delete(uploadedKey(name, file)),
});
