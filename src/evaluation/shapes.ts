/** Regions drawn as shapes on the grid of pixels; the pixel in column x and row y has its centre at (x + ½, y + ½). */

import { tensor, type Size } from "../tensor.ts";
import type { Region } from "./region.ts";

/** The left and upper edge, width and height, in pixels. */
export type Box = readonly [left: number, top: number, width: number, height: number];

/** The corners in their order, in pixels from the upper left corner of the image; the last is joined to the first. */
export type Polygon = readonly (readonly [x: number, y: number])[];

/** The pixels of the image whose centres are in the box. */
export const boxRegion = (size: Size, [left, top, width, height]: Box): Region =>
  polygonRegion(size, [
    [left, top],
    [left + width, top],
    [left + width, top + height],
    [left, top + height],
  ]);

/** Where the line through the centres of a row crosses the polygon's edges, from left to right. */
const crossingsOf = (polygon: Polygon, y: number): number[] =>
  polygon
    .flatMap(([x0, y0], i) => {
      const [x1, y1] = polygon[(i + 1) % polygon.length]!;
      // An edge holds its upper end and not its lower one, so that a corner is crossed once.
      return y0 <= y === y1 <= y ? [] : [x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)];
    })
    .toSorted((a, b) => a - b);

/** The pixels whose centres are inside by the even-odd rule: work of rows × corners + pixels. */
export const polygonRegion = ({ height, width }: Size, polygon: Polygon): Region => {
  const data = new Uint8Array(height * width);
  const firstAt = (x: number): number => Math.min(Math.max(Math.ceil(x - 0.5), 0), width);
  for (let row = 0; row < height; row++) {
    const crossings = crossingsOf(polygon, row + 0.5);
    for (let k = 0; k + 1 < crossings.length; k += 2)
      data.fill(1, row * width + firstAt(crossings[k]!), row * width + firstAt(crossings[k + 1]!));
  }
  return tensor("uint8", [height, width], data);
};
