/** Names and colours of classes, where the file of a network has none. */

import { ManifestError, type Manifest } from "../manifest.ts";
import type { Described } from "./input.ts";

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
  const guessed = !isCertain && wanted === undefined ? [`There are ${count} classes, as many as the labels of one picture have; give --classes to say it.`] : []; // prettier-ignore
  return { found: named, assumed: [...unscored, ...guessed] };
};
