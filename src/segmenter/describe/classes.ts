/** Names and colours of classes, where the file of a network has none. */

import type { Model } from "../../onnx/graph.ts";
import { ManifestError, type Manifest } from "../manifest.ts";
import type { Described } from "./input.ts";
import { metadataOf } from "./metadata.ts";

export type NamedClass = Manifest["classes"][number];
type Rgb = NamedClass["color"];

/** The colours of VOC's devkit: the bits of the index, dealt out to red, green and blue from the highest bit down. */
export const colourOf = (index: number): Rgb => {
  const bits = (shift: number) => Array.from({ length: 8 }, (_, j) => ((index >> (3 * j + shift)) & 1) << (7 - j));
  const channel = (shift: number): number => bits(shift).reduce((a, b) => a | b, 0);
  return [channel(0), channel(1), channel(2)];
};

/** Classes by their number: of a background and others, the first is the background. */
const numbered = (count: number, output: Manifest["output"]): NamedClass[] => {
  const name = (i: number): string => {
    if (output.activation !== "sigmoid") return `class ${i}`;
    return i === 0 ? "background" : count === 2 ? "foreground" : `class ${i}`;
  };
  return Array.from({ length: count }, (_, i) => ({ name: name(i), color: colourOf(i) }));
};

/**
 * @param count of the output's classes.
 * @param wanted how many are scored, or which.
 * @param isCertain whether `count` is that of the channels, and not only of the labels that were seen.
 * @throws ManifestError where more are wanted than there are.
 */
export const classesFor = (
  output: Manifest["output"],
  count: number,
  wanted: number | readonly NamedClass[] | undefined,
  isCertain: boolean,
): Described<readonly NamedClass[]> => {
  const length = wanted === undefined ? count : typeof wanted === "number" ? wanted : wanted.length;
  if (length > count && isCertain)
    throw new ManifestError(`${length} are given, but "${output.name}" gives ${count}`, "classes");
  if (length < 2 || length > 255) throw new ManifestError(`there are ${length}; 2 to 255 are taken`, "classes");
  const named = typeof wanted === "object" ? wanted : numbered(length, output);
  const unscored = length < count ? [`Only the first ${length} of ${count} outputs are scored.`] : [];
  const guessed = !isCertain && wanted === undefined ? [`There are ${count} classes, as many as the labels of one picture have; the manifest's "classes" says it, or --classes of the command line.`] : []; // prettier-ignore
  return { found: named, assumed: [...unscored, ...guessed] };
};

/**
 * The classes that the file's metadata names, if they are as many as the output's; of a sigmoid's, the background may be left out.
 * Undefined where the metadata names none.
 */
export const classesStated = (
  model: Model,
  output: Manifest["output"],
  count: number,
  isCertain: boolean,
): Described<readonly NamedClass[]> | undefined => {
  const { names } = metadataOf(model, 0);
  if (!names) return undefined;
  const isShort = output.activation === "sigmoid" && names.length === count - 1;
  const own = isShort ? ["background", ...names] : names;
  if (own.length !== count && (isCertain || own.length < count)) {
    const usual = classesFor(output, count, undefined, isCertain);
    const ignored = `The file's metadata names ${names.length} classes, which are not the ${count} of "${output.name}", and are ignored.`;
    return { found: usual.found, assumed: [...usual.assumed, ignored] };
  }
  const found = own.map((name, i): NamedClass => ({ name, color: colourOf(i) }));
  return { found, assumed: [`The names of the ${names.length} classes are those of the file's metadata.`] };
};
