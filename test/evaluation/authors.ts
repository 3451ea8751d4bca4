/** What the authors' own code of an attack did to the reference E-Net: pictures, settings and scores, in the optional folder of reference data. */

import { existsSync, readFileSync } from "node:fs";
import { cropOf, type Crop, type Picture } from "../../bench/crops.ts";
import { referenceNetwork } from "../../bench/networks.ts";
import { networkOf, prepared } from "../../src/segmenter/network.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Segmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { referencePath } from "../support/reference.ts";

export type { Picture } from "../../bench/crops.ts";

/** Pixels of each class: right ones, those of the ground truth, those predicted. */
export interface AuthorsCounts {
  readonly tp: readonly number[];
  readonly gt: readonly number[];
  readonly pred: readonly number[];
  readonly pixelAccuracy: number;
}

export interface AuthorsResult {
  readonly images: readonly string[];
  readonly crop: Crop;
  readonly clean: { readonly perImage: readonly AuthorsCounts[]; readonly miou: number };
  readonly perImage: readonly AuthorsCounts[];
  readonly miou: number;
}

export const hasAuthors: boolean = existsSync(referencePath("attacks"));

export const authorsNote: string = hasAuthors ? "" : " (skipped: no reference data, see test/support/reference.ts)";

/** @param name such as `segpgd20-eps4`. */
export const authorsResult = (name: string): AuthorsResult =>
  JSON.parse(readFileSync(referencePath("attacks", `${name}.json`), "utf8")) as AuthorsResult;

export const picturesOf = ({ images, crop }: AuthorsResult): Promise<Picture[]> =>
  Promise.all(images.map((id) => cropOf(id, crop)));

/** The reference E-Net, for any size, in float32 on WASM. */
export const authorsSegmenter = (): Segmenter => {
  const { manifest, model } = referenceNetwork("enet_camvid", true);
  return createSegmenter(networkOf(manifest, prepared(model)), new SessionCache(startWasm(), 2 ** 31));
};
