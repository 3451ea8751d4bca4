/** Resize: each mode × coordinates × direction, by sizes and by scales. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { about, floats, x, type Case } from "./case.ts";

/** Up, down, and both at once; heights and widths only. */
const targets: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["up", [1, 2, 3, 4], [1, 2, 6, 8]],
  ["up by a fraction", [1, 1, 4, 3], [1, 1, 7, 7]],
  ["down", [1, 2, 8, 6], [1, 2, 4, 3]],
  ["down by a fraction", [1, 1, 7, 8], [1, 1, 3, 5]],
  ["one axis up, one down", [1, 1, 3, 8], [1, 1, 5, 4]],
];

const coordinates = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
] as const;

const bySizes = (name: string, from: readonly number[], to: readonly number[], attributes: PlainAttributes): Case =>
  about("Resize", name, [x(from)], (op, v) => op.Resize(v, null, null, op.ints(to), attributes));

const byScales = (
  name: string,
  from: readonly number[],
  scales: readonly number[],
  attributes: PlainAttributes,
): Case =>
  about("Resize", name, [x(from)], (op, v) => op.Resize(v, null, floats(op, [scales.length], scales), attributes));

const modes = ["linear", "nearest", "cubic"].flatMap((mode) =>
  coordinates.flatMap((coordinate) =>
    targets.map(([name, from, to]) =>
      bySizes(`${mode}, ${coordinate}, ${name}`, from, to, { mode, coordinate_transformation_mode: coordinate }),
    ),
  ),
);

const rounding = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].flatMap((nearest) =>
  ["half_pixel", "asymmetric"].flatMap((coordinate) => {
    const attributes = { mode: "nearest", nearest_mode: nearest, coordinate_transformation_mode: coordinate };
    return [
      byScales(`nearest, ${nearest}, ${coordinate}, down by 2`, [1, 1, 6, 8], [1, 1, 0.5, 0.5], attributes),
      byScales(`nearest, ${nearest}, ${coordinate}, up by 2`, [1, 1, 3, 4], [1, 1, 2, 2], attributes),
    ];
  }),
);

/** tf_crop_and_resize; roi is starts then ends, of the axes that are named. */
const cropped = (name: string, roi: readonly number[], to: readonly number[], attributes: PlainAttributes): Case =>
  about("Resize", name, [x([1, 2, 5, 6])], (op, v) =>
    op.Resize(v, floats(op, [roi.length], roi), null, op.ints(to), {
      ...attributes,
      coordinate_transformation_mode: "tf_crop_and_resize",
    }),
  );

const crops = ["nearest", "linear", "cubic"].flatMap((mode) => [
  cropped(`${mode}, cropped`, [0, 0, 0.12, 0.31, 1, 1, 0.93, 0.77], [1, 2, 7, 4], { mode }),
  cropped(`${mode}, beyond the borders`, [-0.21, 0.13, 0.92, 1.34], [4, 9], {
    mode,
    axes: [2, 3],
    extrapolation_value: 0.5,
  }),
  cropped(`${mode}, one axis mirrored`, [0, 0.93, 1, 0.18], [5, 7], { mode, axes: [2, 3] }),
  cropped(`${mode}, cropped to one pixel`, [0.1, 0.2, 0.8, 0.7], [1, 3], { mode, axes: [2, 3] }),
]);

const proportional = ["not_larger", "not_smaller"].flatMap((keep_aspect_ratio_policy) =>
  ["linear", "nearest", "cubic"].map((mode) =>
    about("Resize", `${mode}, ${keep_aspect_ratio_policy}`, [x([1, 2, 5, 6])], (op, v) =>
      op.Resize(v, null, null, op.ints([8, 7]), { mode, axes: [2, 3], keep_aspect_ratio_policy }),
    ),
  ),
);

const cubics = coordinates.flatMap((coordinate) =>
  [0, 1].map((exclude) =>
    byScales(`cubic, ${coordinate}, exclude_outside ${exclude}, a = −0.6`, [1, 1, 5, 6], [1, 1, 1.7, 0.6], {
      mode: "cubic",
      coordinate_transformation_mode: coordinate,
      cubic_coeff_a: -0.6,
      exclude_outside: exclude,
    }),
  ),
);

export const resizeCases: readonly Case[] = [
  ...modes,
  ...rounding,
  ...crops,
  ...proportional,
  ...cubics,
  ...coordinates.map((coordinate) =>
    byScales(`linear, ${coordinate}, scales that do not divide`, [1, 2, 5, 6], [1, 1, 1.5, 0.75], {
      mode: "linear",
      coordinate_transformation_mode: coordinate,
    }),
  ),
  byScales("cubic, another coefficient, outside excluded", [1, 1, 5, 6], [1, 1, 2, 0.5], {
    mode: "cubic",
    cubic_coeff_a: -0.5,
    exclude_outside: 1,
  }),
  byScales("linear, to one pixel, align_corners", [1, 2, 3, 4], [1, 1, 1 / 3, 0.25], {
    mode: "linear",
    coordinate_transformation_mode: "align_corners",
  }),
  bySizes("linear, unchanged", [1, 2, 3, 4], [1, 2, 3, 4], { mode: "linear" }),
  about("Resize", "linear, sizes of two axes", [x([2, 2, 3, 4])], (op, v) =>
    op.Resize(v, null, null, op.ints([6, 6]), { mode: "linear", axes: [2, 3] }),
  ),
  about("Resize", "nearest, scales of two axes from the back", [x([2, 2, 3, 4])], (op, v) =>
    op.Resize(v, null, floats(op, [2], [2, 0.5]), { mode: "nearest", axes: [-2, -1] }),
  ),
  about("Resize", "nearest, roi and defaults", [x([1, 1, 2, 3])], (op, v) =>
    op.Resize(v, floats(op, [0], []), floats(op, [4], [1, 1, 3, 2]), {
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    }),
  ),
  bySizes("linear, three axes", [2, 3, 4], [2, 5, 6], { mode: "linear" }),
  bySizes("linear, a volume", [1, 1, 2, 3, 4], [1, 1, 3, 5, 3], { mode: "linear" }),
  bySizes("linear, channels last", [1, 3, 4, 2], [1, 5, 7, 2], { mode: "linear" }),
  bySizes("linear, two axes", [3, 4], [5, 3], { mode: "linear" }),
  bySizes("cubic, two axes", [3, 4], [5, 3], { mode: "cubic" }),
  bySizes("nearest, one axis", [4], [7], { mode: "nearest" }),
  bySizes("nearest, all four axes", [2, 3, 4, 2], [3, 5, 3, 4], { mode: "nearest" }),
  bySizes("nearest, TensorFlow's half pixels", [1, 1, 4, 6], [1, 1, 8, 3], {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "tf_half_pixel_for_nn",
  }),
];
