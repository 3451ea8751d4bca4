/** Crops of the reference pictures of CamVid. */

import { readFileSync } from "node:fs";
import { decodeImage } from "../src/image/decode.ts";
import { decodeLabels } from "../src/image/labels.ts";
import type { Image, Labels } from "../src/segmenter/segmenter.ts";
import { tensor, type DataOf, type DType, type Tensor } from "../src/tensor.ts";
import { referencePath } from "./networks.ts";

/** A part of a picture, in pixels from its upper left corner. */
export interface Crop {
  readonly y: number;
  readonly x: number;
  readonly height: number;
  readonly width: number;
}

/** The crop of [..., H, W]. */
export const cropped = <D extends DType>(
  { dtype, shape, data }: Tensor<D>,
  { y, x, height, width }: Crop,
): Tensor<D> => {
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

const limits = { maxPixels: 2 ** 24 };

/** The crop of a reference picture of CamVid, by its name. */
export const cropOf = async (id: string, crop: Crop): Promise<Picture> => {
  const read = (kind: string) => readFileSync(referencePath(`images/camvid_480x360/${kind}/${id}.png`));
  return {
    id,
    image: cropped(await decodeImage(read("images"), limits), crop),
    truth: cropped(decodeLabels(read("labels"), limits), crop),
  };
};
