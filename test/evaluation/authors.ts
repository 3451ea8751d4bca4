/** What the authors' own code of an attack did to the reference E-Net: pictures, settings and scores, in the optional folder of reference data. */

import { existsSync, readFileSync } from "node:fs";
import { referenceNetwork } from "../../bench/networks.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { networkOf, prepared } from "../../src/segmenter/network.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Image, type Labels, type Segmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor, type DataOf, type DType, type Tensor } from "../../src/tensor.ts";
import { referencePath } from "../support/reference.ts";

/** Pixels of each class: right ones, those of the ground truth, those predicted. */
export interface AuthorsCounts {
  readonly tp: readonly number[];
  readonly gt: readonly number[];
  readonly pred: readonly number[];
  readonly pixelAccuracy: number;
}

export interface AuthorsResult {
  readonly images: readonly string[];
  readonly crop: { readonly y: number; readonly x: number; readonly height: number; readonly width: number };
  readonly clean: { readonly perImage: readonly AuthorsCounts[]; readonly miou: number };
  readonly perImage: readonly AuthorsCounts[];
  readonly miou: number;
}

export const hasAuthors: boolean = existsSync(referencePath("attacks"));

export const authorsNote: string = hasAuthors ? "" : " (skipped: no reference data, see test/support/reference.ts)";

/** @param name such as `segpgd20-eps4`. */
export const authorsResult = (name: string): AuthorsResult =>
  JSON.parse(readFileSync(referencePath("attacks", `${name}.json`), "utf8")) as AuthorsResult;

type Crop = AuthorsResult["crop"];

/** The crop of [..., H, W]. */
const cropped = <D extends DType>({ dtype, shape, data }: Tensor<D>, { y, x, height, width }: Crop): Tensor<D> => {
  const [h, w] = shape.slice(-2) as [number, number];
  const lead = shape.slice(0, -2);
  const planes = lead.reduce((a, b) => a * b, 1);
  const out = data.slice(0, planes * height * width) as DataOf<D>;
  for (let plane = 0; plane < planes; plane++)
    for (let row = 0; row < height; row++) {
      const from = (plane * h + y + row) * w + x;
      out.set(data.subarray(from, from + width) as never, (plane * height + row) * width);
    }
  return tensor(dtype, [...lead, height, width], out);
};

export interface Picture {
  readonly id: string;
  readonly image: Image;
  readonly truth: Labels;
}

export const picturesOf = ({ images, crop }: AuthorsResult): Promise<Picture[]> =>
  Promise.all(
    images.map(async (id) => {
      const read = (kind: string) => readFileSync(referencePath("images", "camvid_480x360", kind, `${id}.png`));
      const options = { maxPixels: 2 ** 24 };
      return {
        id,
        image: cropped(await decodeImage(read("images"), options), crop),
        truth: cropped(decodeLabels(read("labels"), options), crop),
      };
    }),
  );

/** The reference E-Net, for any size, in float32 on WASM. */
export const authorsSegmenter = (): Segmenter => {
  const { manifest, model } = referenceNetwork("enet_camvid", true);
  return createSegmenter(networkOf(manifest, prepared(model)), new SessionCache(startWasm(), 2 ** 31));
};
