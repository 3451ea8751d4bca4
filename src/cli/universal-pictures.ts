/** The pictures that a universal perturbation is made on: alone, or those of a data set with their label maps. */

import { recognised } from "../datasets/catalogue.ts";
import { chosen } from "../datasets/choose.ts";
import { sha256Of } from "../digest.ts";
import type { Sizes } from "../evaluation/check-items.ts";
import { readItem } from "../evaluation/items.ts";
import type { EvaluationSpec } from "../evaluation/spec.ts";
import type { UniversalItem } from "../evaluation/universal.ts";
import { resizeBilinear } from "../image/resize.ts";
import { itemSource } from "../node/evaluation-items.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { statOf } from "../node/files.ts";
import { filesOf } from "../node/folder-files.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { spatialSize, type Size } from "../tensor.ts";
import type { Io } from "./command.ts";
import { evaluationItems } from "./evaluate-data.ts";
import { picturesOf, readPicture } from "./pictures.ts";

export interface UniversalPictures {
  /** For people: the data set and its part. */
  readonly name: string;
  readonly count: number;
  /** Of the contents of all files. */
  readonly digest: string;
  readonly sizes: Sizes | null;
  /** A picture, with its ground truth where that is what is to change. */
  readonly read: (index: number) => Promise<UniversalItem>;
}

const spanOf = (values: readonly number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];

/** Every picture is decoded once, before the first step. @throws Refusal that names a file which is none. */
const picturesAlone = async (
  operands: readonly string[],
  { data, seed }: EvaluationSpec,
  manifest: Manifest,
  io: Io,
): Promise<UniversalPictures> => {
  const found = await picturesOf(operands);
  const pictures = data.images === undefined ? found : chosen(found, data.images, seed);
  const [digests, sizes]: [string[], Size[]] = [[], []];
  for (const picture of pictures) {
    const { bytes, image } = await readPicture(picture, manifest, io);
    digests.push(`${picture.stem} ${await sha256Of(bytes)}`);
    sizes.push(spatialSize(image));
  }
  const silent = { ...io, stderr: () => undefined };
  return {
    name: operands.join(", "),
    count: pictures.length,
    digest: await sha256Of(digests.join("\n")),
    sizes: { width: spanOf(sizes.map(({ width }) => width)), height: spanOf(sizes.map(({ height }) => height)) },
    read: async (index) => ({ image: (await readPicture(pictures[index]!, manifest, silent)).image }),
  };
};

const picturesOfSet = async (spec: EvaluationSpec, manifest: Manifest, io: Io): Promise<UniversalPictures> => {
  const { name, items, roots, reading, streetSize, checked } = await evaluationItems(spec, manifest, io);
  const source = itemSource(roots, reading, streetSize);
  const isTruth = spec.label === "ground-truth";
  return {
    name,
    count: items.length,
    digest: checked.digest,
    sizes: checked.sizes,
    read: async (index) => {
      const { image, truth } = await readItem(items[index]!, source, channelCount(manifest.input.channels));
      return isTruth ? { image, truth } : { image };
    },
  };
};

/** Whether `--data` names a folder of pictures, and no data set is looked for in it or found there. */
const isOfPictures = async ({ data, label }: EvaluationSpec): Promise<boolean> => {
  const { path, labels, dataset, split, remap, palette } = data;
  if (path === undefined || label === "ground-truth") return false;
  if ([labels, dataset, split, remap, palette].some((value) => value !== undefined)) return false;
  return (await statOf(path))?.isDirectory() === true && recognised(await filesOf(path).list(), "") === null;
};

/** @throws UsageError for what goes with data sets; Refusal for files that are no pictures, and for labels that there are not. */
export const universalPictures = async (
  operands: readonly string[],
  spec: EvaluationSpec,
  manifest: Manifest,
  io: Io,
): Promise<UniversalPictures> => {
  const { path, images: _, ...others } = spec.data;
  if (operands.length === 0)
    return (await isOfPictures(spec)) ? picturesAlone([path!], spec, manifest, io) : picturesOfSet(spec, manifest, io);
  const beside = Object.entries({ data: path, ...others }).find(([, value]) => value !== undefined);
  if (beside) throw new UsageError(`--${beside[0]} goes with a data set, and the pictures are named one by one`);
  if (spec.label === "ground-truth")
    throw new UsageError("--label ground-truth goes with a data set (--data), whose pictures have label maps");
  return picturesAlone(operands, spec, manifest, io);
};

/** The pictures at one size, resampled bilinearly; their label maps would not fit. */
export const resized = (pictures: UniversalPictures, { height, width }: Size): UniversalPictures => ({
  ...pictures,
  sizes: { width: [width, width], height: [height, height] },
  read: async (index) => ({ image: resizedTo((await pictures.read(index)).image, [height, width]) }),
});

const resizedTo = (image: Image, size: readonly [number, number]): Image =>
  image.shape[1] === size[0] && image.shape[2] === size[1] ? image : resizeBilinear(image, size);

/** The one shape of the pictures. @throws Refusal where they have several sizes. */
export const shapeOf = (
  { sizes }: UniversalPictures,
  { input }: Manifest,
): readonly [planes: number, height: number, width: number] => {
  if (!sizes) throw new Refusal("there is no picture to make a perturbation on");
  const { width, height } = sizes;
  if (width[0] === width[1] && height[0] === height[1]) return [channelCount(input.channels), height[0], width[0]];
  throw new Refusal(
    `the pictures are from ${width[0]}×${height[0]} to ${width[1]}×${height[1]} (width×height); a universal perturbation has one size: --resize HxW makes it for pictures that are brought to that size`,
  );
};
