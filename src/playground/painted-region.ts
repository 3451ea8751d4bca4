/** A region that is painted on the grid of pixels: rectangles and strokes of a round brush, added or taken away. */

import type { Place } from "../evaluation/region-goal.ts";
import type { Region } from "../evaluation/region.ts";
import { spatialSize, tensor, type Size } from "../tensor.ts";

export interface Pixel {
  readonly x: number;
  readonly y: number;
}

/** How a stroke marks: 1 adds pixels to the region, 0 takes them away. */
export type Tool =
  | { readonly kind: "rectangle"; readonly value: 0 | 1 }
  /** `diameter` in pixels. */
  | { readonly kind: "brush"; readonly value: 0 | 1; readonly diameter: number };

export const emptyRegion = ({ width, height }: Size): Region =>
  tensor("uint8", [height, width], new Uint8Array(width * height));

const between = (a: number, b: number): readonly [number, number] => (a < b ? [a, b] : [b, a]);

/** Both corners belong to the rectangle. */
const fillRectangle = (data: Uint8Array, { width }: Size, [a, b]: readonly [Pixel, Pixel], value: number): void => {
  const [[left, right], [top, bottom]] = [between(a.x, b.x), between(a.y, b.y)];
  for (let y = top; y <= bottom; y++) data.fill(value, y * width + left, y * width + right + 1);
};

const fillDisc = (
  data: Uint8Array,
  { width, height }: Size,
  { x, y }: Pixel,
  diameter: number,
  value: number,
): void => {
  const radius = diameter / 2;
  for (let row = Math.max(0, Math.ceil(y - radius)); row <= Math.min(height - 1, y + radius); row++) {
    const half = Math.floor(Math.sqrt(radius ** 2 - (row - y) ** 2));
    data.fill(value, row * width + Math.max(0, x - half), row * width + Math.min(width, x + half + 1));
  }
};

/**
 * The region with a stroke through these pixels: a rectangle between the first and the last of them, or a brush drawn along them.
 *
 * @param path at least one pixel, all of them within the picture.
 */
export const withStroke = (region: Region, tool: Tool, path: readonly Pixel[]): Region => {
  const size = spatialSize(region);
  const data = region.data.slice();
  const [first, last] = [path[0]!, path.at(-1)!];
  if (tool.kind === "rectangle") fillRectangle(data, size, [first, last], tool.value);
  else
    path.forEach((to, k) => {
      const from = path[Math.max(0, k - 1)]!;
      const steps = Math.max(1, Math.abs(to.x - from.x), Math.abs(to.y - from.y));
      for (let i = 1; i <= steps; i++) {
        const at = (a: number, b: number) => Math.round(a + ((b - a) * i) / steps);
        fillDisc(data, size, { x: at(from.x, to.x), y: at(from.y, to.y) }, tool.diameter, tool.value);
      }
    });
  return tensor("uint8", region.shape, data);
};

export const countOf = ({ data }: Region): number => data.reduce((count, value) => count + Number(value !== 0), 0);

/** The region as a goal has it: a box where it is just that, so that it can be written down; null where nothing is marked. */
export const placeOf = (
  region: Region,
): Extract<Place, { readonly box: unknown } | { readonly mask: unknown }> | null => {
  const { width, height } = spatialSize(region);
  let [left, right, top, bottom, count] = [width, -1, height, -1, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (region.data[y * width + x] === 0) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      count += 1;
    }
  if (count === 0) return null;
  const [across, down] = [right - left + 1, bottom - top + 1];
  return count === across * down ? { box: [left, top, across, down] } : { mask: region };
};
