/** Uploaded networks of a service under Node, as its evaluations take them: each with its file in a folder. */

import { constants } from "node:fs";
import { copyFile, link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FaultlineError } from "../contract/failure.ts";
import { networkIdentity } from "../networks/identity.ts";
import { parseEntry } from "../networks/upload-store.ts";
import { reasonOf } from "../reason.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import { bucketUploads, uploadedKey } from "../store/bucket.ts";
import { folderUploads, uploadedFile } from "../store/folder.ts";
import { jsonFile } from "./files.ts";
import { openBucket } from "./s3.ts";
import { isInBucket } from "./s3-settings.ts";

/** An uploaded network as it is at a time. */
export interface Uploaded {
  readonly manifest: Manifest;
  /** Of `networkIdentity`. */
  readonly identity: string;
}

export interface UploadedNetworks {
  readonly names: () => Promise<readonly string[]>;
  /** Null where there is none of that name. @throws FaultlineError model-unavailable where it cannot be read. */
  readonly find: (name: string) => Promise<Uploaded | null>;
  /** Puts NAME/manifest.json and its file into a folder. @throws FaultlineError model-unavailable where it is there no more. */
  readonly putInto: (folder: string, uploaded: Uploaded) => Promise<void>;
}

/** A link where both are on one disk: files are written once. */
const linked = (from: string, to: string): Promise<void> =>
  link(from, to).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw cause;
    return copyFile(from, to, constants.COPYFILE_FICLONE);
  });

/** @param told what a requester is told of a reason. */
export const uploadedNetworks = (place: string, told: (reason: string) => string): UploadedNetworks => {
  const bucket = isInBucket(place) ? openBucket(place) : null;
  const store = bucket ? bucketUploads(bucket) : folderUploads(place);
  const unavailable = (model: string, reason: string, cause: unknown): FaultlineError =>
    new FaultlineError({ kind: "model-unavailable", model, reason }, { cause });
  const put = ({ name, file }: Manifest, path: string): Promise<void> =>
    bucket ? writeFile(path, bucket.pieces(uploadedKey(name, file))) : linked(uploadedFile(place, name, file), path);
  const find: UploadedNetworks["find"] = async (name) => {
    try {
      const entry = await store.entry(name);
      if (entry === null) return null;
      const { manifest } = parseEntry(entry);
      return { manifest, identity: await networkIdentity(manifest) };
    } catch (cause) {
      throw unavailable(name, told(reasonOf(cause)), cause);
    }
  };
  return {
    names: () => store.list(),
    find,
    putInto: async (folder, { manifest }) => {
      const { name, file } = manifest;
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, "manifest.json"), jsonFile(manifest));
      try {
        await put(manifest, join(folder, name, file));
      } catch (cause) {
        const now = await find(name);
        if (now?.manifest.file === file) throw unavailable(name, told(reasonOf(cause)), cause);
        throw unavailable(name, `it was ${now ? "replaced" : "deleted"} while the evaluation was being planned`, cause);
      }
    },
  };
};
