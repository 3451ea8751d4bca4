/** Data sets of the bucket, as evaluations read them. */

import { unknownSet } from "../contract/data.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { BucketDataStore, SetFiles } from "../store/bucket-data.ts";

/** Milliseconds for which the list of a data set is not read again: a change of its files is found by their digests. */
const REMEMBERED_MS = 10_000;

/** @returns what opens a data set by its name, and throws FaultlineError where there is none. */
export const dataIn = (store: BucketDataStore): ((name: string) => Promise<SetFiles>) => {
  let last: { readonly name: string; readonly at: number; readonly files: SetFiles } | undefined;
  const opened = async (name: string): Promise<SetFiles> => {
    const manifest = await store.manifest(name);
    if (!manifest) {
      const detail = unknownSet(await store.names());
      throw invalidSpec({ pointer: "/spec/data/path", detail, received: name });
    }
    return store.filesOf(manifest);
  };
  return async (name) => {
    if (last?.name !== name || Date.now() - last.at > REMEMBERED_MS)
      last = { name, at: Date.now(), files: await opened(name) };
    return last.files;
  };
};
