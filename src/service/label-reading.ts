/** Label maps whose values have two readings, and label maps that leave hardly any class beside void. */

import { FaultlineError, invalidSpec } from "../contract/failure.ts";
import type { PartName } from "../contract/files.ts";
import type { Label255, Warning } from "../contract/warnings.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";

const VOID = 255;

/** How many pixels have each value. */
const histogram = ({ data }: Labels): Uint32Array => {
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]! += 1;
  return counts;
};

export const voidPixelsOf = (labels: Labels): number => histogram(labels)[VOID]!;

const twoReadings =
  "holds only the values 0 and 255, which has two readings for a network of two classes: class 0 and void, or a binary mask of classes 0 and 1. Set label255 in the spec to void or to foreground, or store class 1 as 1";

/**
 * The map with its value 255 as the request means it.
 *
 * @param given what 255 stands for; without it a map of only 0 and 255 for two classes is refused.
 * @throws FaultlineError labels-malformed, invalid-spec where `foreground` has no meaning.
 */
export const read255 = (part: PartName, labels: Labels, classes: number, given: Label255 | undefined): Labels => {
  if (given === "void") return labels;
  if (given === "foreground" && classes !== 2) {
    const detail = `must be void or absent: a binary mask is for two classes, there are ${classes}`;
    throw invalidSpec({ pointer: "/spec/label255", detail, received: given });
  }
  const counts = histogram(labels);
  const isMask = classes === 2 && counts[VOID]! > 0 && labels.data.length === counts[0]! + counts[VOID]!;
  if (given === "foreground") {
    if (counts[VOID]! > 0 && !isMask) {
      const reason = "label255 is foreground, but the map holds 1 or other values as well as 255";
      throw new FaultlineError({ kind: "labels-malformed", part, reason });
    }
    return tensor(
      "uint8",
      labels.shape,
      labels.data.map((value) => (value === VOID ? 1 : value)),
    );
  }
  if (isMask && counts[0]! > 0) throw new FaultlineError({ kind: "labels-malformed", part, reason: twoReadings });
  return labels;
};

/** A warning where void leaves no class, or only one. */
export const labelWarnings = (part: PartName, labels: Labels): Warning[] => {
  const counts = histogram(labels);
  const present = [...counts.keys()].filter((value) => value !== VOID && counts[value]! > 0);
  if (counts[VOID] === 0 || present.length > 1) return [];
  const share = `${counts[VOID]} of ${labels.data.length} pixels are void (255)`;
  const rest = present.length === 0 ? "no class is left" : `all others are class ${present[0]}`;
  return [{ kind: "mostly-void", part, detail: `/${part}: ${share}, ${rest}; scores say little about such a map` }];
};
