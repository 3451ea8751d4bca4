/** Calibration images as inputs of a network, on which its activations are observed. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { useNodeCodecs } from "../image/node.ts";
import { decodePlanes } from "../image/planes.ts";
import { resizeBilinear } from "../image/resize.ts";
import type { Feeds } from "../quantize/observe.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { type Size, spatialSize, tensor, type Tensor } from "../tensor.ts";
import { at, Refusal } from "../node/failure.ts";
import { readBytes, statOf } from "../node/files.ts";

/** Preprocessing: (scale·pixel − mean)/std, in the order of `channels`, then in the order of the axes; rounded for an input of uint8. */
export type Preparation = Pick<Manifest["input"], "name" | "layout" | "channels" | "scale"> & {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly dtype: "float32" | "uint8";
};

const pictures = /\.(png|jpe?g|webp|npy)$/i;
const maxPixels = 2 ** 26;

/**
 * Paths of the images in `folder/images`, or in `folder` where that does not exist, sorted by name.
 *
 * @param place the folder as messages name it.
 * @throws Refusal
 */
export const imagesIn = async (folder: string, place = folder): Promise<string[]> => {
  const found = await statOf(folder);
  if (!found?.isDirectory()) throw new Refusal(`${place}: no such folder`);
  const inside = join(folder, "images");
  const holder = (await statOf(inside))?.isDirectory() ? inside : folder;
  const files = (await readdir(holder)).filter((name) => pictures.test(name)).toSorted();
  if (files.length === 0) throw new Refusal(`${place}: holds no PNG, JPEG, WebP or NPY images`);
  return files.map((name) => join(holder, name));
};

/** `count` of the images of these folders, chosen evenly from each over its sorted names, and so always the same. */
export const chooseImages = async (folders: readonly string[], count: number): Promise<string[]> => {
  const sets = await Promise.all(folders.map((folder) => imagesIn(folder, `--calibrate ${folder}`)));
  return sets.flatMap((files, f) => {
    const share = Math.floor(((f + 1) * count) / sets.length) - Math.floor((f * count) / sets.length);
    const wanted = Math.min(share, files.length);
    return Array.from({ length: wanted }, (_, i) => files[Math.floor(((i + 0.5) * files.length) / wanted)]!);
  });
};

/** The shape of the network's input. */
export const inputShapeOf = ({ layout, channels }: Pick<Preparation, "layout" | "channels">, size: Size): number[] => {
  const { height, width } = size;
  const count = channelCount(channels);
  const pixels = layout.endsWith("C") ? [height, width, count] : [count, height, width];
  return layout.startsWith("N") ? [1, ...pixels] : pixels;
};

/** An image [C,H,W] as the network's input. */
const prepare = (image: Tensor<"float32">, preparation: Preparation): Tensor => {
  const { layout, channels, mean, std, scale, dtype } = preparation;
  const [count = 0] = image.shape;
  const size = spatialSize(image);
  const plane = size.height * size.width;
  const isLast = layout.endsWith("C");
  const data = new Float32Array(image.data.length);
  for (let c = 0; c < count; c++) {
    const from = (channels === "BGR" ? count - 1 - c : c) * plane;
    for (let i = 0; i < plane; i++)
      data[isLast ? i * count + c : c * plane + i] = (scale * image.data[from + i]! - mean[c]!) / std[c]!;
  }
  const shape = inputShapeOf(preparation, size);
  return dtype === "float32"
    ? tensor("float32", shape, data)
    : tensor("uint8", shape, new Uint8Array(Uint8ClampedArray.from(data).buffer));
};

/** The network's input for one image at a time. @throws Refusal that names a file that is no image of its channels. */
export async function* calibrationFeeds(
  files: readonly string[],
  { height, width }: Size,
  preparation: Preparation,
  progress: (done: number) => void,
): AsyncGenerator<Feeds> {
  useNodeCodecs();
  const count = channelCount(preparation.channels);
  for (const [done, file] of files.entries()) {
    progress(done);
    const bytes = await readBytes(file);
    const image = await at(file, () => decodePlanes(bytes, count, { maxPixels }));
    yield { [preparation.name]: prepare(resizeBilinear(image, [height, width]), preparation) };
  }
  progress(files.length);
}
