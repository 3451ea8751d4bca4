/** The pictures of a command, and their label maps. */

import { basename, extname, join } from "node:path";
import { problemOf } from "../api/problem.ts";
import { FaultlineError } from "../contract/failure.ts";
import { sha256Of } from "../digest.ts";
import { decodePicture } from "../image/planes.ts";
import { at, Refusal, UsageError } from "../node/failure.ts";
import { readBytes, statOf } from "../node/files.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { readingNotes } from "../segmenter/reads.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { readLabels } from "../service/pictures.ts";
import { spatialSize } from "../tensor.ts";
import { imagesIn } from "./calibration.ts";
import type { Io } from "./command.ts";

export interface Picture {
  readonly path: string;
  /** The file's name without its ending, by which results and label maps are named. */
  readonly stem: string;
}

const limits = { maxPixels: 2 ** 26, maxSide: 2 ** 14 } as const;

/** The files among the operands, and the images of the folders among them. @throws Refusal where two share a name. */
export const picturesOf = async (operands: readonly string[]): Promise<readonly Picture[]> => {
  const paths: string[] = [];
  for (const operand of operands)
    paths.push(...((await statOf(operand))?.isDirectory() ? await imagesIn(operand) : [operand]));
  const byStem = new Map<string, string>();
  for (const path of paths) {
    const stem = basename(path, extname(path));
    const other = byStem.get(stem);
    if (other !== undefined)
      throw new Refusal(`${path}: results are named after the picture, and ${other} has the same name`);
    byStem.set(stem, path);
  }
  return [...byStem].map(([stem, path]) => ({ path, stem }));
};

/** A picture with the channels that the network takes, [P,H,W]. @throws Refusal that names the file. */
export const readPicture = async (
  { path }: Picture,
  { input }: Manifest,
  io: Io,
): Promise<{ readonly bytes: Uint8Array; readonly image: Image }> => {
  const bytes = await readBytes(path);
  const { image, isTranslucent } = await at(path, () => decodePicture(bytes, channelCount(input.channels), limits));
  if (isTranslucent) io.stderr(`warning: ${path}: has pixels that are not opaque, which are put on black\n`);
  return { bytes, image };
};

/** Warns of a picture of which a network reads a part of the pixels alone: once of each network, as others will be alike. */
export const readingWarnings = (networks: readonly Network[], io: Io) => {
  let unread = networks;
  return ({ path }: Picture, image: Image): void => {
    const found = unread.filter((network) => readingNotes([network], image).length > 0);
    for (const note of readingNotes(found, image)) io.stderr(`warning: ${path}: ${note}\n`);
    unread = unread.filter((network) => !found.includes(network));
  };
};

/** Where the label map of each picture is. @throws Refusal where one is missing. */
export const labelFiles = async (
  pictures: readonly Picture[],
  labels: string | undefined,
): Promise<ReadonlyMap<Picture, string>> => {
  if (labels === undefined) return new Map();
  const found = await statOf(labels);
  if (!found?.isDirectory()) {
    if (!found) throw new Refusal(`--labels ${labels}: no such file or folder`);
    const [only, ...others] = pictures;
    if (!only || others.length > 0)
      throw new UsageError(
        `--labels ${labels}: is one file for ${pictures.length} pictures; name a folder of NAME.png`,
      );
    return new Map([[only, labels]]);
  }
  const files = new Map(pictures.map((picture) => [picture, join(labels, `${picture.stem}.png`)]));
  for (const [{ path }, file] of files)
    if (!(await statOf(file))) throw new Refusal(`${file}: no such file; it would be the label map of ${path}`);
  return files;
};

/** The label map of an image [P,H,W], checked against it. @throws Refusal that names the file. */
export const readLabelMap = async (file: string, { classes }: Manifest, image: Image): Promise<Labels> => {
  const bytes = await readBytes(file);
  const rules = {
    ...limits,
    classes: classes.length,
    palette: classes.map(({ color }) => color),
    expected: spatialSize(image),
  };
  try {
    return await readLabels("labels", bytes, rules);
  } catch (cause) {
    if (!(cause instanceof FaultlineError)) throw cause;
    const { detail, errors } = problemOf(cause.failure, "");
    throw new Refusal(`${file}: ${errors?.map((error) => error.detail).join("; ") ?? detail}`, { cause });
  }
};

/** A picture that has been read. */
export interface ReadPicture {
  /** [P,H,W] */
  readonly image: Image;
  /** The digest of the picture's file. */
  readonly item: string;
  /** Its label map, where it has one. */
  readonly truth: Labels | undefined;
}

/** A picture, and its label map where it is among `labels`. @throws Refusal that names the file. */
export const readWithLabels = async (
  picture: Picture,
  labels: ReadonlyMap<Picture, string>,
  manifest: Manifest,
  io: Io,
): Promise<ReadPicture> => {
  const { bytes, image } = await readPicture(picture, manifest, io);
  const map = labels.get(picture);
  const truth = map === undefined ? undefined : await readLabelMap(map, manifest, image);
  return { image, item: await sha256Of(bytes), truth };
};

/** Files at fault that are named. */
const MAX_FAULTS = 10;

/** Reads all of several pictures, so that none is worked on where another is at fault. @throws Refusal, with up to ten such files printed and how many more there are; of one file it names that. */
export const requireReadable = async (
  pictures: readonly Picture[],
  labels: ReadonlyMap<Picture, string>,
  manifest: Manifest,
  io: Io,
): Promise<void> => {
  if (pictures.length < 2) return;
  const silent: Io = { stdout: () => undefined, stderr: () => undefined };
  const faults: Refusal[] = [];
  for (const picture of pictures)
    try {
      await readWithLabels(picture, labels, manifest, silent);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      faults.push(cause);
    }
  const [first, ...others] = faults;
  if (!first) return;
  if (others.length === 0) throw first;
  for (const { message } of faults.slice(0, MAX_FAULTS)) io.stderr(`  ${message}\n`);
  if (faults.length > MAX_FAULTS) io.stderr(`  and ${faults.length - MAX_FAULTS} more\n`);
  throw new Refusal(
    `${faults.length} of ${pictures.length} pictures cannot be read with their label maps, as listed above; none was attacked`,
  );
};
