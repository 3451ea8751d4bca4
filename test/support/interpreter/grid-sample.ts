/** GridSample: interpolation at the grid's places, axis after axis (ONNX GridSample-20). */

import { intOf, stringOf, type Node } from "../../../src/onnx/graph.ts";
import { roundHalfToEven } from "./elementwise.ts";
import { at, define, type Kernel } from "./nd.ts";

interface Settings {
  readonly mode: string;
  readonly padding: string;
  readonly align: boolean;
}

const settingsOf = (node: Node): Settings => ({
  mode: stringOf(node, "mode", "linear"),
  padding: stringOf(node, "padding_mode", "zeros"),
  align: intOf(node, "align_corners", 0) === 1,
});

/** Mirrors at both ends until it lies between them. */
const reflected = (v: number, low: number, high: number): number => {
  if (high <= low) return low;
  let x = v;
  while (x < low || x > high) x = x < low ? 2 * low - x : 2 * high - x;
  return x;
};

/** A coordinate that lies outside, moved as the padding wants it; zeros leave it where it is. */
const moved = (x: number, size: number, { padding, align }: Settings): number => {
  const last = size - 1;
  if (padding === "border") return Math.min(last, Math.max(0, x));
  if (padding === "reflection") return align ? reflected(x, 0, last) : reflected(x, -0.5, last + 0.5);
  return x;
};

/** Keys (1981), a = −0.75. */
const keys = (distance: number): number => {
  const [d, a] = [Math.abs(distance), -0.75];
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
};

/** Pixels of one axis with their weights; those outside the image count nothing. */
const reads = (g: number, size: number, s: Settings): [pixel: number, weight: number][] => {
  const x = s.align ? ((g + 1) / 2) * (size - 1) : ((g + 1) * size - 1) / 2;
  const within = (list: [number, number][]) => list.filter(([i]) => i >= 0 && i < size);
  const border = (i: number) => Math.min(size - 1, Math.max(0, i));
  if (s.mode === "cubic") {
    const taps = [-1, 0, 1, 2].map((k) => Math.floor(x) + k);
    return within(taps.map((i) => [moved(i, size, s), keys(x - i)]));
  }
  if (s.mode === "nearest") return within([[moved(roundHalfToEven(x), size, s), 1]]);
  const held = s.padding === "zeros" ? x : border(moved(x, size, s));
  const low = Math.floor(held);
  return within([
    [low, 1 - (held - low)],
    [low + 1, held - low],
  ]);
};

const GridSample: Kernel = (node, x, grid) => {
  const sizes = x.shape.slice(2);
  const settings = settingsOf(node);
  return [
    define(x.dtype, [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)], ([n, c, ...place]) => {
      const axes = sizes.map((size, axis) => reads(at(grid, [n!, ...place, sizes.length - 1 - axis]), size, settings));
      const along = (axis: number, index: readonly number[]): number =>
        axis === sizes.length
          ? at(x, [n!, c!, ...index])
          : axes[axis]!.reduce((sum, [i, w]) => sum + w * along(axis + 1, [...index, i]), 0);
      return along(0, []);
    }),
  ];
};

export const sampling: Readonly<Record<string, Kernel>> = { GridSample };
