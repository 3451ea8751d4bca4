/** What an answer says about the pictures of its request, and what was made of them, that their sender may not have meant. */

import type { PartName } from "./files.ts";

export interface Warning {
  /**
   * - `turned`: the picture was turned by its Exif orientation;
   * - `first-frame`: of an animation, only the first frame was used;
   * - `translucent`: pixels that are not opaque were put on black;
   * - `resized`: the network reads a part of the picture's pixels alone, as it is resized to less than half its sides before it;
   * - `mostly-void`: a label map leaves no class, or only one, beside void, so that scores say little;
   * - `rounded-away`: rounding to 8 bits undoes the attack, or part of it.
   */
  readonly kind: "turned" | "first-frame" | "translucent" | "resized" | "mostly-void" | "rounded-away";
  readonly part: PartName;
  readonly detail: string;
}

/**
 * What the value 255 stands for in a label map of a two-class network that holds only 0 and 255: void, or class 1 of a binary
 * mask. Without it such a map is refused, as it has two readings.
 */
export type Label255 = "void" | "foreground";
