/** Calibration images as inputs of a network, on which its activations are observed. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { decodeImage } from "../image/decode.ts";
import { useNodeCodecs } from "../image/node.ts";
import { resizeBilinear } from "../image/resize.ts";
import type { Feeds } from "../quantize/observe.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import { type Size, tensor } from "../tensor.ts";
import { at, Refusal } from "../node/failure.ts";
import { readBytes, statOf } from "../node/files.ts";

/** Preprocessing: (scale·pixel − mean)/std, in the order of `channels`. */
export type Preparation = Pick<Manifest["input"], "name" | "channels" | "mean" | "std" | "scale">;

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

/** The network's input for one image at a time. @throws Refusal that names a file that is no image. */
export async function* calibrationFeeds(
  files: readonly string[],
  { height, width }: Size,
  { name, channels, mean, std, scale }: Preparation,
  progress: (done: number) => void,
): AsyncGenerator<Feeds> {
  useNodeCodecs();
  for (const [done, file] of files.entries()) {
    progress(done);
    const bytes = await readBytes(file);
    const image = resizeBilinear(await at(file, () => decodeImage(bytes, { maxPixels })), [height, width]);
    const plane = height * width;
    const data = image.data.map((_, i) => {
      const channel = Math.floor(i / plane);
      const from = channels === "RGB" ? channel : 2 - channel;
      return (scale * image.data[from * plane + (i % plane)]! - mean[channel]!) / std[channel]!;
    });
    yield { [name]: tensor("float32", [1, 3, height, width], data) };
  }
  progress(files.length);
}
