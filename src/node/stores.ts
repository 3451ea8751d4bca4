/** Where a service under Node keeps networks and data sets: in a folder, or in a bucket. */

import type { DataStore } from "../contract/data.ts";
import type { UploadStore } from "../networks/upload-store.ts";
import { bucketData } from "../store/bucket-data.ts";
import { bucketUploads } from "../store/bucket.ts";
import { folderData } from "../store/folder-data.ts";
import { folderUploads } from "../store/folder.ts";
import { checkFolder } from "./files.ts";
import { openBucket } from "./s3.ts";
import { isInBucket } from "./s3-settings.ts";

/** @throws Refusal where the place cannot be read, or could not be created. */
export const uploadsAt = async (place: string): Promise<UploadStore> => {
  if (!isInBucket(place)) {
    await checkFolder(place);
    return folderUploads(place);
  }
  const store = bucketUploads(openBucket(place));
  await store.list();
  return store;
};

export const dataAt = (place: string): DataStore =>
  isInBucket(place) ? bucketData(openBucket(place)) : folderData(place);

/** The path of a data set of that place, as `faultline evaluate --data` takes it. */
export const setAt = (place: string, name: string): string =>
  isInBucket(place) ? `${place}#${name}` : `${place}/${name}`;
