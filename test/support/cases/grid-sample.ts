/** GridSample: each mode × padding × alignment, with places inside, at the border and far outside. */

import { random } from "../../../src/random.ts";
import { sizeOf } from "../../../src/tensor.ts";
import { about, fixed, floats, node, x, type Case } from "./case.ts";

/**
 * Grid values whose pixel coordinates are never near a whole or a half one, where reading has kinks: between −`beyond`
 * and size + `beyond`. `shape` is the grid's; the sizes are the image's.
 */
const placesOf = (shape: readonly number[], sizes: readonly number[], align: boolean, beyond: number): number[] => {
  const next = random(13);
  return Array.from({ length: sizeOf(shape) }, (_, i) => {
    const size = sizes[sizes.length - 1 - (i % sizes.length)]!;
    const whole = Math.floor(next() * (size + 2 * beyond)) - beyond;
    const pixel = whole + (next() < 0.5 ? 0.1 : 0.6) + 0.3 * next();
    return align && size > 1 ? (2 * pixel) / (size - 1) - 1 : (2 * pixel + 1) / size - 1;
  });
};

const modes = ["linear", "cubic", "nearest"].flatMap((mode) =>
  ["zeros", "border", "reflection"].flatMap((padding_mode) =>
    [0, 1].map((align_corners): Case => {
      const shape = [2, 3, 4, 2];
      const grid = { of: placesOf(shape, [4, 5], align_corners === 1, 3) };
      return node(
        "GridSample",
        `${mode}, ${padding_mode}, align_corners ${align_corners}`,
        [x([2, 3, 4, 5]), mode === "nearest" ? fixed(shape, grid, "grid") : x(shape, grid, "grid")],
        { mode, padding_mode, align_corners },
      );
    }),
  ),
);

const volumes = ["linear", "nearest"].flatMap((mode) =>
  ["zeros", "reflection"].map((padding_mode): Case => {
    const shape = [1, 2, 2, 3, 3];
    const grid = { of: placesOf(shape, [3, 4, 2], false, 1) };
    return node(
      "GridSample",
      `a volume, ${mode}, ${padding_mode}`,
      [x([1, 2, 3, 4, 2]), mode === "nearest" ? fixed(shape, grid, "grid") : x(shape, grid, "grid")],
      { mode, padding_mode },
    );
  }),
);

/** A rotation by 20°, as an exporter writes affine_grid with known parameters. */
const rotation = (height: number, width: number): number[] =>
  Array.from({ length: height * width }, (_, i) => {
    const [v, u] = [(2 * Math.floor(i / width) + 1) / height - 1, (2 * (i % width) + 1) / width - 1];
    const [cos, sin] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)];
    return [u * cos - v * sin, u * sin + v * cos];
  }).flat();

export const gridSampleCases: readonly Case[] = [
  ...modes,
  ...volumes,
  about("GridSample", "defaults, a constant grid", [x([1, 2, 5, 6])], (op, v) =>
    op.GridSample(v, floats(op, [1, 4, 3, 2], rotation(4, 3))),
  ),
  node(
    "GridSample",
    "one row, reflected at its centre",
    [x([1, 2, 1, 4]), x([1, 2, 2, 2], { of: placesOf([1, 2, 2, 2], [1, 4], true, 2) }, "grid")],
    { padding_mode: "reflection", align_corners: 1 },
  ),
  about("GridSample", "a grid that depends on the image", [x([1, 2, 4, 4])], (op, v) => {
    const grid = op.Transpose(op.Mul(v, op.constant(0.11)), { perm: [0, 2, 3, 1] });
    return op.GridSample(v, op.Add(grid, op.constant(0.37)), { mode: "cubic" });
  }),
];
