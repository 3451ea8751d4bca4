/** `--classes` and `--palette`: how many classes a network has, or which. */

import { ade20kClasses } from "../datasets/ade20k-classes.ts";
import { camvidClasses } from "../datasets/camvid-classes.ts";
import { cityscapesClasses } from "../datasets/cityscapes-classes.ts";
import { cocoStuffNames } from "../datasets/coco-stuff-classes.ts";
import { vocClasses } from "../datasets/voc-classes.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { readBytes } from "../node/files.ts";
import { colourOf, type NamedClass } from "../segmenter/describe/classes.ts";

type Listed = readonly { readonly name: string; readonly color: readonly [number, number, number] }[];

/** The classes of data sets, by their names. */
export const palettes: Readonly<Record<string, Listed>> = {
  voc: vocClasses,
  cityscapes: cityscapesClasses,
  camvid: camvidClasses,
  ade20k: ade20kClasses,
  "coco-stuff": cocoStuffNames.map((name, i) => ({ name, color: colourOf(i + 1) })),
};

export const paletteNames = Object.keys(palettes);

const named = (names: readonly string[]): NamedClass[] => names.map((name, i) => ({ name, color: colourOf(i) }));

/** One name a line, or a JSON list of names. @throws Refusal */
const readNames = async (path: string): Promise<readonly NamedClass[]> => {
  const text = new TextDecoder().decode(await readBytes(path));
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (!text.trimStart().startsWith("[")) return named(lines);
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((v) => typeof v === "string")) return named(value);
  } catch (cause) {
    throw new Refusal(`${path}: is not JSON`, { cause });
  }
  throw new Refusal(`${path}: is no list of names; expected a name a line, or a JSON list of them`);
};

/** @throws UsageError for a palette that there is not, Refusal for a file that is no list of names. */
export const classesOption = async (
  classes: string | undefined,
  palette: string | undefined,
): Promise<number | readonly NamedClass[] | undefined> => {
  const given = classes === undefined ? undefined : /^\d+$/.test(classes) ? Number(classes) : await readNames(classes);
  if (palette === undefined) return given;
  const found = Object.hasOwn(palettes, palette) ? palettes[palette] : undefined;
  if (!found) throw new UsageError(`--palette must be one of ${paletteNames.join(", ")}, not "${palette}"`);
  const own = found.map(({ name, color: [r, g, b] }): NamedClass => ({ name, color: [r, g, b] }));
  if (given === undefined) return own;
  if (typeof given === "number") return own.slice(0, given);
  return given.map(({ name }, i) => ({ name, color: own[i]?.color ?? colourOf(i) }));
};
