/** Maps of what `faultline certify` has certified, as pictures in a folder. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Tree } from "../certify/hierarchy.ts";
import { outcomesOf, OUTCOMES, vertexColours, voidWhereAbstained } from "../certify/scores.ts";
import { encodeLabels } from "../image/labels.ts";
import { checkWritable, writeFiles } from "../node/files.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Labels } from "../segmenter/segmenter.ts";
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

/** The labels that are certified, and how they compare with the reference. */
export interface CertifiedMaps {
  readonly labels: Labels;
  readonly reference: Labels;
}

/** Writes the maps of one picture, where a folder is named. */
export const writeMaps = async (
  folder: string | undefined,
  picture: Picture,
  level: Level,
  { labels, reference }: CertifiedMaps,
  { classes, tree }: Pick<Manifest, "classes"> & { readonly tree: Tree },
): Promise<void> => {
  if (folder === undefined) return;
  const paths = pathsOf(picture, folder, level);
  const colours = OUTCOMES.map(({ color }) => color);
  await writeFiles([
    [paths.labels, encodeLabels(voidWhereAbstained(labels), vertexColours(classes, tree))],
    [paths.outcome, encodeLabels(outcomesOf(labels, reference, tree), colours)],
  ]);
};
