/** Which pictures a specification names, and what their label maps mean, wherever the files are. */

import type { Layout } from "../datasets/dataset.ts";
import type { Item, LabelReading } from "../evaluation/items.ts";
import type { EvaluationSpec } from "../evaluation/spec.ts";
import { palettes } from "../intake/palettes.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Size } from "../tensor.ts";

/** The scenes of a test set, which the shipped networks were not trained on; each seed has scenes of its own. */
const FIRST_STREET = 3_000_000;
const STREETS_OF_A_SEED = 1_000_000;
const DEFAULT_STREETS = 10;
export const STREET_SIZE: Size = { height: 360, width: 480 };
/** Of classes, as streets have them. */
export const STREET_CLASSES = 11;

export const streetItems = ({ data, seed }: Pick<EvaluationSpec, "data" | "seed">): Item[] =>
  Array.from({ length: data.images ?? DEFAULT_STREETS }, (_, i) => {
    const street = FIRST_STREET + STREETS_OF_A_SEED * seed + i;
    return { name: `street-${street}`, street };
  });

/** The colours of a palette; null for one that is unknown. */
const paletteNamed = (name: string | undefined, { classes }: Manifest): LabelReading["palette"] | null => {
  if (name === undefined || name === "network") return classes.map(({ color }) => color);
  return Object.hasOwn(palettes, name) ? palettes[name]!.map(({ color }) => color) : null;
};

/** What label maps of a layout mean, nothing where it has none; null where the specification names a palette that is unknown. */
export const readingOf = (
  { coding, classes }: Layout,
  { palette: name, remap }: EvaluationSpec["data"],
  manifest: Manifest,
): LabelReading | null => {
  if (!coding) return {};
  const palette = coding.palette ?? (classes === null ? paletteNamed(name, manifest) : undefined);
  return palette === null ? null : { values: coding.values, palette, remap };
};
