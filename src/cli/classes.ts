/** `--classes` and `--palette`: how many classes a network has, or which. */

import { inPalette, namedClasses, paletteNames, palettes } from "../intake/palettes.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { readBytes } from "../node/files.ts";
import type { NamedClass } from "../segmenter/describe/classes.ts";

/** One name a line, or a JSON list of names. @throws Refusal */
const readNames = async (path: string): Promise<readonly NamedClass[]> => {
  const text = new TextDecoder().decode(await readBytes(path));
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (!text.trimStart().startsWith("[")) return namedClasses(lines);
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((v) => typeof v === "string")) return namedClasses(value);
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
  const found = palette !== undefined && Object.hasOwn(palettes, palette) ? palettes[palette] : undefined;
  if (palette !== undefined && !found)
    throw new UsageError(`--palette must be one of ${paletteNames.join(", ")}, not "${palette}"`);
  return inPalette(given, found);
};
