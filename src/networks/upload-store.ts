/** Where uploaded networks are kept: what the service asks of a bucket or a folder. */

import { parseManifest, type Manifest } from "../segmenter/manifest.ts";
import type { ModelInfo } from "../contract/models.ts";

/** What is kept of an uploaded network beside its file. */
export interface UploadEntry {
  readonly manifest: Manifest;
  /** Found when it was uploaded, so that a list of networks need not open them all. */
  readonly info: ModelInfo;
  /** The version and the memory budget that found it; another service finds anew. */
  readonly foundBy: string;
}

/**
 * Instances of the service may share one store; each asks it at every request, so that all see a change at once. Names and
 * files are of the manifest's patterns: they make no path. A file is written once, under a name of its own.
 */
export interface UploadStore {
  /** The names, in alphabetical order. */
  readonly list: () => Promise<readonly string[]>;
  /** The entry of that name, as JSON gives it; null where there is none. */
  readonly entry: (name: string) => Promise<unknown>;
  /** The bytes of a file beside the entry of that name; null where there is none. */
  readonly file: (name: string, file: string) => Promise<Uint8Array | null>;
  /** First the file, then the entry, whole, in place of a former one: none is ever seen without its file. */
  readonly write: (entry: UploadEntry, bytes: Uint8Array) => Promise<void>;
  readonly removeEntry: (name: string) => Promise<void>;
  /** For when no entry tells of it any more. */
  readonly removeFile: (name: string, file: string) => Promise<void>;
}

/** @throws ManifestError for what an earlier version wrote and this one does not take. */
export const parseEntry = (value: unknown): UploadEntry => {
  const { manifest, info, foundBy } = value as UploadEntry;
  return { manifest: parseManifest(manifest), info, foundBy };
};
