/** Where the items of an evaluation come from under Node. */

import type { ItemSource, LabelReading } from "../evaluation/items.ts";
import { renderStreet } from "../datasets/street/render.ts";
import type { Size } from "../tensor.ts";
import { Refusal } from "./failure.ts";
import { filesOf, type Roots } from "./folder-files.ts";

/** The renderer is an optional dependency. @throws Refusal that says how to get it. */
const renderer = async () => {
  try {
    return (await import("../datasets/street/resvg.ts")).rasterise;
  } catch (cause) {
    throw new Refusal(
      "drawing streets needs the package @resvg/resvg-js (npm install @resvg/resvg-js); or name pictures with --data",
      { cause },
    );
  }
};

export const itemSource = (roots: Roots | null, reading: LabelReading, size: Size): ItemSource => {
  const none = () => Promise.reject(new Refusal("there is no folder of pictures"));
  return {
    files: roots === null ? { list: () => Promise.resolve([]), read: none } : filesOf(roots),
    reading,
    draw: async (street) => renderStreet(street, size, await renderer()),
  };
};
