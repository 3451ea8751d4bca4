/** What tests of uploads share: a service that takes networks, and a network called `mine`. */

import type { ServiceOptions } from "../../src/service/context.ts";
import type { Service } from "../../src/contract/service.ts";
import type { UploadResult, UploadedManifest } from "../../src/contract/models.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { bucketUploads, type Bucket } from "../../src/store/bucket.ts";
import { tinyFile, type ManifestChanges, type TinyOptions } from "../support/networks/tiny.ts";
import { imagePng, serviceOf, tiny, type File } from "../service/tiny-service.ts";

/** A service that ships `tiny` and takes uploads into a bucket. */
export const serviceWith = (bucket: Bucket, options: Partial<ServiceOptions> = {}): Service =>
  serviceOf([tiny], { uploads: bucketUploads(bucket), ...options });

/** A network called `mine`. */
export const fileOf = (model: TinyOptions = {}, changes: ManifestChanges = {}): File =>
  tinyFile({ activation: "Tanh", seed: 2, ...model }, { name: "mine", ...changes });

export const mine = fileOf();

/** As users write it: what is filled in is left out. */
export const open = (manifest: UploadedManifest): UploadedManifest => ({
  ...manifest,
  sha256: undefined,
  file: undefined,
  metrics: undefined,
});

export const upload = (service: Service, { manifest, bytes }: File, replace = false): Promise<UploadResult> =>
  service.uploads!.add({ manifest: open(manifest), model: bytes, replace });

export const segmented = async (service: Service, model = "mine") =>
  decodeLabels((await service.segment({ model, image: imagePng })).labels.data, { maxPixels: 1e6 }).data;
