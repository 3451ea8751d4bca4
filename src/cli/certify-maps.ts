/** Maps of what `faultline certify` has certified, as pictures in a folder. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { mapsOf, type Certified } from "../certify/scores.ts";
import { encodeLabels } from "../image/labels.ts";
import { checkWritable, writeFiles } from "../node/files.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Picture } from "./pictures.ts";

/** What a picture is certified at, which stands in the names of its maps. */
export type Level = `sigma-${number}` | `epsilon-${number}`;

const pathsOf = ({ stem }: Picture, folder: string, level: Level) => ({
  labels: join(folder, `${stem}.${level}.labels.png`),
  outcome: join(folder, `${stem}.${level}.outcome.png`),
});

/**
 * Makes the folder, where one is named.
 *
 * @throws Refusal where a map cannot be written, or would replace one of `inputs`.
 */
export const checkMaps = async (
  folder: string | undefined,
  pictures: readonly Picture[],
  levels: readonly Level[],
  inputs: readonly string[],
): Promise<void> => {
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  for (const picture of pictures)
    for (const level of levels)
      for (const path of Object.values(pathsOf(picture, folder, level))) await checkWritable(path, inputs);
};

/** Writes the maps of one picture, where a folder is named. */
export const writeMaps = async (
  folder: string | undefined,
  picture: Picture,
  level: Level,
  certified: Certified,
  { classes }: Pick<Manifest, "classes">,
): Promise<void> => {
  if (folder === undefined) return;
  const paths = pathsOf(picture, folder, level);
  const { labels, outcome } = mapsOf(certified, classes);
  await writeFiles([
    [paths.labels, encodeLabels(...labels)],
    [paths.outcome, encodeLabels(...outcome)],
  ]);
};
