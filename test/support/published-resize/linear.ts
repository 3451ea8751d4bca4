/** The examples of the mode `linear`. */

import type { PublishedResize } from "./case.ts";

export const linearResizes: readonly PublishedResize[] = [
  {
    name: "upsample_scales_linear",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    scales: [1, 1, 2, 2],
    attributes: { mode: "linear" },
    y: [
      [1, 1, 4, 4],
      [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4],
    ],
  },
  {
    name: "upsample_scales_linear_align_corners",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    scales: [1, 1, 2, 2],
    attributes: { coordinate_transformation_mode: "align_corners", mode: "linear" },
    y: [
      [1, 1, 4, 4],
      [
        1, 1.333333, 1.666667, 2, 1.666667, 2, 2.333333, 2.666667, 2.333333, 2.666667, 3, 3.333333, 3, 3.333333,
        3.666667, 4,
      ],
    ],
  },
  {
    name: "downsample_scales_linear",
    x: [
      [1, 1, 2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    scales: [1, 1, 0.6, 0.6],
    attributes: { mode: "linear" },
    y: [
      [1, 1, 1, 2],
      [2.666667, 4.333333],
    ],
  },
  {
    name: "downsample_scales_linear_align_corners",
    x: [
      [1, 1, 2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    scales: [1, 1, 0.6, 0.6],
    attributes: { coordinate_transformation_mode: "align_corners", mode: "linear" },
    y: [
      [1, 1, 1, 2],
      [1, 3.142857],
    ],
  },
  {
    name: "tf_crop_and_resize",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    roi: [0, 0, 0.4, 0.6, 1, 1, 0.6, 0.8],
    sizes: [1, 1, 3, 3],
    attributes: { coordinate_transformation_mode: "tf_crop_and_resize", mode: "linear" },
    y: [
      [1, 1, 3, 3],
      [7.6, 7.9, 8.2, 8.8, 9.1, 9.400001, 10, 10.3, 10.6],
    ],
  },
  {
    name: "tf_crop_and_resize_extrapolation_value",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    roi: [0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7],
    sizes: [1, 1, 3, 3],
    attributes: { coordinate_transformation_mode: "tf_crop_and_resize", extrapolation_value: 10.0, mode: "linear" },
    y: [
      [1, 1, 3, 3],
      [7.6, 10, 10, 12.4, 10, 10, 10, 10, 10],
    ],
  },
  {
    name: "downsample_sizes_linear_pytorch_half_pixel",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    sizes: [1, 1, 3, 1],
    attributes: { coordinate_transformation_mode: "pytorch_half_pixel", mode: "linear" },
    y: [
      [1, 1, 3, 1],
      [1.666667, 7, 12.33333],
    ],
  },
  {
    name: "tf_crop_and_resize_axes_2_3",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    roi: [0.4, 0.6, 0.6, 0.8],
    sizes: [3, 3],
    attributes: { axes: [2, 3], coordinate_transformation_mode: "tf_crop_and_resize", mode: "linear" },
    y: [
      [1, 1, 3, 3],
      [7.6, 7.9, 8.2, 8.8, 9.1, 9.400001, 10, 10.3, 10.6],
    ],
  },
  {
    name: "tf_crop_and_resize_axes_3_2",
    x: [
      [1, 1, 4, 4],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ],
    roi: [0.6, 0.4, 0.8, 0.6],
    sizes: [3, 3],
    attributes: { axes: [3, 2], coordinate_transformation_mode: "tf_crop_and_resize", mode: "linear" },
    y: [
      [1, 1, 3, 3],
      [7.6, 7.9, 8.2, 8.8, 9.1, 9.400001, 10, 10.3, 10.6],
    ],
  },
  {
    name: "downsample_scales_linear_half_pixel_symmetric",
    x: [
      [1, 1, 1, 4],
      [1, 2, 3, 4],
    ],
    scales: [1, 1, 1, 0.6],
    attributes: { coordinate_transformation_mode: "half_pixel_symmetric", mode: "linear" },
    y: [
      [1, 1, 1, 2],
      [1.666667, 3.333333],
    ],
  },
  {
    name: "upsample_scales_linear_half_pixel_symmetric",
    x: [
      [1, 1, 2, 2],
      [1, 2, 3, 4],
    ],
    scales: [1, 1, 2.3, 2.94],
    attributes: { coordinate_transformation_mode: "half_pixel_symmetric", mode: "linear" },
    y: [
      [1, 1, 4, 5],
      [
        1, 1.159864, 1.5, 1.840136, 2, 1.565217, 1.725081, 2.065217, 2.405354, 2.565217, 2.434783, 2.594646, 2.934783,
        3.274919, 3.434783, 3, 3.159864, 3.5, 3.840136, 4,
      ],
    ],
  },
];
