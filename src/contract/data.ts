/** Data sets of a deployment: files by their digests, and lists that say under which paths they lie in a set. */

/** How the names of data sets begin that belong to requests to POST /v1/robustness, which are answered later; nobody pushes such a data set. */
export const requestSets = "robustness-";

/** Why a name is refused that no data set has. @param names those of all data sets. */
export const unknownSet = (names: readonly string[]): string => {
  const pushed = names.filter((name) => !name.startsWith(requestSets));
  return `must be the name of a data set of this deployment: ${pushed.join(", ") || "there is none"}`;
};

export interface DataFile {
  /** Relative, with "/" between its parts. */
  readonly path: string;
  /** Of the content, in hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface DataManifest {
  readonly name: string;
  readonly files: readonly DataFile[];
}

export interface DataSetInfo {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
}

/** The operations of the API. */
export interface DataSets {
  /** Those that were pushed, and those of requests. */
  readonly list: () => Promise<readonly DataSetInfo[]>;
  /** Makes or replaces a data set. @throws FaultlineError data-incomplete with the digests that are not here yet. */
  readonly put: (manifest: DataManifest) => Promise<DataSetInfo>;
  /** @throws FaultlineError data-refused where the bytes have another digest. */
  readonly putFile: (sha256: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  /** Makes or replaces a data set of these files, by their paths: neither files that are there nor other data sets are looked at. */
  readonly keep: (name: string, files: Readonly<Record<string, Uint8Array>>) => Promise<void>;
  /** A file of a data set in that list; null where there is none. */
  readonly file: (name: string, path: string) => Promise<Uint8Array | null>;
  /** Removes a data set, and the files that no other has. */
  readonly remove: (name: string) => Promise<void>;
}

/** Where they are kept: a folder, a bucket. Names and digests make no path; files are written whole. */
export interface DataStore {
  /** Names of data sets, in alphabetical order. */
  readonly names: () => Promise<readonly string[]>;
  /** Null where there is none, or one that was not pushed. */
  readonly manifest: (name: string) => Promise<DataManifest | null>;
  /** The digests of all files that are kept. */
  readonly kept: () => Promise<ReadonlySet<string>>;
  readonly putFile: (sha256: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  /** Null where it is not kept. */
  readonly file: (sha256: string) => Promise<Uint8Array | null>;
  /** Its files are kept. False where the name is taken by a data set that was not pushed. */
  readonly commit: (manifest: DataManifest) => Promise<boolean>;
  readonly remove: (name: string) => Promise<void>;
  readonly dropFiles: (digests: readonly string[]) => Promise<void>;
}
