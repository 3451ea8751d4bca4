/** The folder in which a specification is planned or carried out: by it, the command line finds what the names of a deployment mean. */

import { mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { GivenSpec } from "../../evaluation/spec.ts";
import { jsonFile, readJson, writeFiles } from "../files.ts";
import { isInBucket } from "../s3-settings.ts";
import { setAt } from "../stores.ts";
import { files, type Asked } from "./store.ts";

/** Names that are part of a path. */
export const isName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,127}$/.test(name);

/** The link to a folder of data sets; what lies in a bucket has its address everywhere. */
const placeOfData = (data: string | null): string => (data !== null && isInBucket(data) ? data : "data");

const hasUploaded = (uploaded: Asked["uploaded"], name: string): boolean =>
  uploaded !== undefined && Object.hasOwn(uploaded, name);

/** Of an uploaded network, in the folder. */
export const uploadedPath = (name: string): string => `${files.uploaded}/${name}`;

/** The specification with the paths that the names have in the folder. */
const located = ({ spec: { networks, transferFrom, data, ...spec }, uploaded }: Asked, place: string): GivenSpec => {
  const pathOf = (name: string): string => (hasUploaded(uploaded, name) ? uploadedPath(name) : `models/${name}`);
  const paths = (names: readonly string[]): string[] => names.map(pathOf);
  const from = (source: NonNullable<GivenSpec["transferFrom"]>[number]) =>
    typeof source === "string" ? pathOf(source) : { ...source, networks: paths(source.networks) };
  return {
    ...spec,
    networks: paths(networks),
    ...(transferFrom ? { transferFrom: transferFrom.map(from) } : {}),
    ...(data ? { data: { ...data, ...(data.path === undefined ? {} : { path: setAt(place, data.path) }) } } : {}),
  };
};

/** Where networks and data sets are. */
export interface Places {
  readonly models: string;
  /** Of uploaded networks: a folder or an address in a bucket; absent where there are none. */
  readonly uploads?: string | undefined;
  /** A folder or an address in a bucket; null: there are none but drawn streets. */
  readonly data: string | null;
}

/** Makes the folder of a specification, with links to what it names, so that its paths are the same on every machine; uploaded networks are put there by others. */
export const makeFolder = async (folder: string, asked: Asked, { models, data }: Places): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await symlink(resolve(models), join(folder, "models"), "junction");
  if (data !== null && !isInBucket(data)) await symlink(resolve(data), join(folder, "data"), "junction");
  await writeFiles([[join(folder, files.spec), jsonFile(located(asked, placeOfData(data)))]]);
};

/** Puts what the rows share into a folder, with the specification as it was sent; the command and the paths of the workplace are nothing that its sender has. */
export const writeSentRun = async (run: string, folder: string, spec: GivenSpec): Promise<void> => {
  const { command: _, ...shared } = await readJson(run);
  await writeFiles([[join(folder, files.sentRun), jsonFile({ ...shared, spec })]]);
};
