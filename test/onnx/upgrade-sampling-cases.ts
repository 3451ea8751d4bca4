/** Older forms of operators that read an image through windows or at places: pooling, GridSample, Resize. */

import { fixed, fixedInts, float, ints, noise } from "./support.ts";
import type { OldCase } from "./upgrade-cases.ts";

const image = noise([1, 2, 6, 5]);
const floats = (...values: readonly number[]) => fixed(float([values.length], values));
const places = noise([1, 3, 4, 2], 3);

const sampled: OldCase[] = ["zeros", "border", "reflection"].flatMap((padding_mode): OldCase[] => [
  [[16], ["GridSample", [image, places], { padding_mode }]],
  [[16], ["GridSample", [image, places], { mode: "bilinear", padding_mode, align_corners: 1 }]],
  [[16], ["GridSample", [image, places], { mode: "bicubic", padding_mode }]],
  [
    [16, 20],
    ["GridSample", [image, places], { mode: "nearest", padding_mode }],
  ],
  [
    [20, 21],
    ["GridSample", [image, places], { mode: "cubic", padding_mode, align_corners: 1 }],
  ],
]);

const windows = { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] };

const pools: OldCase[] = [
  ...[0, 1].map((count_include_pad): OldCase => [
    [10, 11, 18, 19],
    ["AveragePool", [image], { ...windows, ceil_mode: 1, count_include_pad }],
  ]),
  [
    [10, 11, 12],
    ["MaxPool", [image], { ...windows, ceil_mode: 1, dilations: [1, 2] }],
  ],
  [
    [8, 12],
    ["MaxPool", [image], windows, 2],
  ],
  ...[1, 2, 3].map((p): OldCase => [
    [7, 11, 18],
    ["LpPool", [image], { ...windows, p }],
  ]),
  [
    [7, 21],
    ["GlobalLpPool", [image], { p: 3 }],
  ],
  [
    [7, 11],
    ["LpPool", [image], { kernel_shape: [2, 3], auto_pad: "SAME_LOWER", strides: [2, 1] }],
  ],
  [
    [9, 11],
    [
      "MaxUnpool",
      [noise([1, 1, 2, 2]), { ...ints(0, 3, 8, 10), shape: [1, 1, 2, 2] }],
      { kernel_shape: [2, 2], strides: [2, 2] },
    ],
  ],
];

const crop = {
  coordinate_transformation_mode: "tf_crop_and_resize",
  extrapolation_value: { type: "float", value: 2 },
} as const;

const cropped: OldCase[] = ["linear", "nearest", "cubic"].map((mode) => [
  [11, 13, 18],
  ["Resize", [image, floats(0, 0, 0.12, 0.31, 1, 1, 1.27, 0.77), floats(), fixedInts(1, 2, 7, 4)], { mode, ...crop }],
]);

const policies: OldCase[] = ["not_larger", "not_smaller"].map((keep_aspect_ratio_policy) => [
  [18, 19, 21],
  ["Resize", [image, null, null, fixedInts(9, 7)], { mode: "linear", axes: [2, 3], keep_aspect_ratio_policy }],
]);

export const oldSamplingCases: readonly OldCase[] = [...sampled, ...pools, ...cropped, ...policies];
