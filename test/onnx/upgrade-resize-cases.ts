/** Older forms of Resize and Upsample. */

import { fixed, fixedInts, float, noise } from "./support.ts";
import type { OldCase } from "./upgrade-cases.ts";

const image = noise([1, 2, 6, 5]);
const floats = (...values: readonly number[]) => fixed(float([values.length], values));

/** Scales up, down and both, with sizes that do not divide. */
const scales: readonly (readonly [number, number])[] = [
  [2, 2],
  [1.5, 2.4],
  [0.5, 0.5],
  [0.6, 0.4],
  [0.5, 2],
  [3, 0.7],
  [1, 0.3],
];
const resizes: OldCase[] = ["nearest", "linear"].flatMap((mode) =>
  scales.flatMap(([h, w]): OldCase[] => {
    const resize: OldCase = [[10], ["Resize", [image, floats(1, 1, h, w)], { mode }]];
    if (h < 1 || w < 1) return [resize];
    const attribute = { mode, scales: { type: "floats", value: [1, 1, h, w] } } as const;
    return [
      resize,
      [
        [7, 8],
        ["Upsample", [image], attribute],
      ],
      [[9], ["Upsample", [image, floats(1, 1, h, w)], { mode }]],
    ];
  }),
);

const modernResizes: OldCase[] = [
  "half_pixel",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "half_pixel_symmetric",
].flatMap((mode): OldCase[] => [
  [
    mode === "half_pixel_symmetric" ? [19, 21] : [11, 13, 18, 21],
    ["Resize", [image, floats(), floats(1, 1, 1.5, 0.6)], { mode: "linear", coordinate_transformation_mode: mode }],
  ],
  [
    mode === "half_pixel_symmetric" ? [19] : [11, 13, 19],
    [
      "Resize",
      [image, floats(), floats(), fixedInts(1, 2, 9, 4)],
      { mode: "nearest", coordinate_transformation_mode: mode, nearest_mode: "ceil" },
    ],
  ],
]);

export const oldResizeCases: readonly OldCase[] = [
  ...resizes,
  ...modernResizes,
  [
    [11],
    [
      "Resize",
      [image, floats(), floats(1, 1, 1.5, 0.6)],
      { mode: "linear", coordinate_transformation_mode: "tf_half_pixel_for_nn" },
    ],
  ],
];
