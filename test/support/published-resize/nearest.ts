/** The examples of the mode `nearest`. */

import type { PublishedResize } from "./case.ts";

export const nearestResizes: readonly PublishedResize[] = [
  {
    name: "upsample_scales_nearest",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    scales: [1, 1, 2, 3],
    attributes: { mode: "nearest" },
    y: [
      [1, 1, 4, 6],
      [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4],
    ],
  },
  {
    name: "downsample_scales_nearest",
    x: [
      [1, 1, 2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    scales: [1, 1, 0.6, 0.6],
    attributes: { mode: "nearest" },
    y: [
      [1, 1, 1, 2],
      [1, 3],
    ],
  },
  {
    name: "upsample_sizes_nearest",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    sizes: [1, 1, 7, 8],
    attributes: { mode: "nearest" },
    y: [
      [1, 1, 7, 8],
      [
        1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4,
        4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4,
      ],
    ],
  },
  {
    name: "downsample_sizes_nearest",
    x: [
      [1, 1, 2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    sizes: [1, 1, 1, 3],
    attributes: { mode: "nearest" },
    y: [
      [1, 1, 1, 3],
      [1, 2, 4],
    ],
  },
  {
    name: "upsample_sizes_nearest_floor_align_corners",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    sizes: [1, 1, 8, 8],
    attributes: { coordinate_transformation_mode: "align_corners", mode: "nearest", nearest_mode: "floor" },
    y: [
      [1, 1, 8, 8],
      [
        1, 1, 1, 2, 2, 3, 3, 4, 1, 1, 1, 2, 2, 3, 3, 4, 1, 1, 1, 2, 2, 3, 3, 4, 5, 5, 5, 6, 6, 7, 7, 8, 5, 5, 5, 6, 6,
        7, 7, 8, 9, 9, 9, 10, 10, 11, 11, 12, 9, 9, 9, 10, 10, 11, 11, 12, 13, 13, 13, 14, 14, 15, 15, 16,
      ],
    ],
  },
  {
    name: "upsample_sizes_nearest_round_prefer_ceil_asymmetric",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    sizes: [1, 1, 8, 8],
    attributes: { coordinate_transformation_mode: "asymmetric", mode: "nearest", nearest_mode: "round_prefer_ceil" },
    y: [
      [1, 1, 8, 8],
      [
        1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 6, 7, 7, 8, 8, 8, 5, 6, 6, 7, 7, 8, 8, 8, 9, 10, 10, 11, 11, 12, 12, 12, 9, 10,
        10, 11, 11, 12, 12, 12, 13, 14, 14, 15, 15, 16, 16, 16, 13, 14, 14, 15, 15, 16, 16, 16, 13, 14, 14, 15, 15, 16,
        16, 16,
      ],
    ],
  },
  {
    name: "upsample_sizes_nearest_ceil_half_pixel",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    sizes: [1, 1, 8, 8],
    attributes: { coordinate_transformation_mode: "half_pixel", mode: "nearest", nearest_mode: "ceil" },
    y: [
      [1, 1, 8, 8],
      [
        1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 6, 7, 7, 8, 8, 8, 5, 6, 6, 7, 7, 8, 8, 8, 9, 10, 10, 11, 11, 12, 12, 12, 9, 10,
        10, 11, 11, 12, 12, 12, 13, 14, 14, 15, 15, 16, 16, 16, 13, 14, 14, 15, 15, 16, 16, 16, 13, 14, 14, 15, 15, 16,
        16, 16,
      ],
    ],
  },
  {
    name: "upsample_scales_nearest_axes_2_3",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    scales: [2, 3],
    attributes: { axes: [2, 3], mode: "nearest" },
    y: [
      [1, 1, 4, 6],
      [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4],
    ],
  },
  {
    name: "upsample_scales_nearest_axes_3_2",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    scales: [3, 2],
    attributes: { axes: [3, 2], mode: "nearest" },
    y: [
      [1, 1, 4, 6],
      [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4],
    ],
  },
  {
    name: "upsample_sizes_nearest_axes_2_3",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    sizes: [7, 8],
    attributes: { axes: [2, 3], mode: "nearest" },
    y: [
      [1, 1, 7, 8],
      [
        1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4,
        4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4,
      ],
    ],
  },
  {
    name: "upsample_sizes_nearest_axes_3_2",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    sizes: [8, 7],
    attributes: { axes: [3, 2], mode: "nearest" },
    y: [
      [1, 1, 7, 8],
      [
        1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4,
        4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4,
      ],
    ],
  },
  {
    name: "upsample_sizes_nearest_not_larger",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    sizes: [7, 8],
    attributes: { axes: [2, 3], keep_aspect_ratio_policy: "not_larger", mode: "nearest" },
    y: [
      [1, 1, 7, 7],
      [
        1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 3, 3,
        3, 3, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4,
      ],
    ],
  },
  {
    name: "upsample_sizes_nearest_not_smaller",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    sizes: [7, 8],
    attributes: { axes: [2, 3], keep_aspect_ratio_policy: "not_smaller", mode: "nearest" },
    y: [
      [1, 1, 8, 8],
      [
        1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4,
        4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 4, 4, 4, 4,
      ],
    ],
  },
  {
    name: "downsample_sizes_nearest_not_larger",
    x: [
      [1, 1, 2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    sizes: [1, 3],
    attributes: { axes: [2, 3], keep_aspect_ratio_policy: "not_larger", mode: "nearest" },
    y: [
      [1, 1, 1, 2],
      [1, 3],
    ],
  },
  {
    name: "downsample_sizes_nearest_not_smaller",
    x: [
      [1, 1, 2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    sizes: [1, 3],
    attributes: { axes: [2, 3], keep_aspect_ratio_policy: "not_smaller", mode: "nearest" },
    y: [
      [1, 1, 2, 3],
      [1, 2, 4, 5, 6, 8],
    ],
  },
];
