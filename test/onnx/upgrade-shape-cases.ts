/** Older forms of operators that make constants, cut, pad, join and reshape. */

import { scalar } from "../../src/tensor.ts";
import { fixed, fixedInts, noise } from "./support.ts";
import type { OldCase } from "./upgrade-cases.ts";

const x = noise([2, 3, 4, 5]);
const real = (value: number) => ({ type: "float", value }) as const;

const constants: OldCase[] = [
  [
    [7, 13],
    ["Constant", [], { value: noise([2, 2]) }],
  ],
  [
    [12, 13],
    ["Constant", [], { value_float: 0.5 }],
  ],
  [
    [12, 13],
    ["Constant", [], { value_floats: [0.5, -2, 3] }],
  ],
  [
    [12, 13],
    ["Constant", [], { value_int: -3 }],
  ],
  [
    [12, 13],
    ["Constant", [], { value_ints: [1, -2, 3] }],
  ],
];

export const oldShapeCases: readonly OldCase[] = [
  ...constants,
  [
    [7, 9],
    ["Slice", [x], { starts: [1, -3], ends: [100, -1], axes: [1, 3] }],
  ],
  [
    [7, 9],
    ["Slice", [x], { starts: [1, 0], ends: [2, 2] }],
  ],
  [
    [10, 11, 13],
    ["Slice", [x, fixedInts(3, 0), fixedInts(-100, 5), fixedInts(2, 3), fixedInts(-2, 2)]],
  ],
  [
    [7, 10],
    ["Pad", [x], { pads: [0, 0, 1, 2, 0, 0, 0, 3], value: real(1.5) }],
  ],
  [
    [7, 10],
    ["Pad", [x], { pads: [0, 0, 1, 2, 0, 0, 0, 3], mode: "reflect" }],
  ],
  [
    [11, 13, 18],
    ["Pad", [x, fixedInts(0, 0, 1, 2, 0, 0, 0, 3), fixed(scalar("float32", 2))]],
  ],
  [
    [18, 19],
    ["Pad", [x, fixedInts(1, 2, 0, 3), null, fixedInts(2, -1)], { mode: "edge" }],
  ],
  [
    [7, 11, 12],
    ["Split", [x], { axis: 3, split: [2, 3] }, 2],
  ],
  [
    [7, 12, 13, 17],
    ["Split", [x], { axis: 2 }, 2],
  ],
  [
    [13, 18],
    ["Split", [x, fixedInts(2, 3)], { axis: -1 }, 2],
  ],
  [
    [18, 21],
    ["Split", [x], { axis: 3, num_outputs: 3 }, 3],
  ],
  [
    [7, 11, 12],
    ["Squeeze", [noise([1, 3, 1])], { axes: [2] }],
  ],
  [
    [7, 12, 13, 21],
    ["Squeeze", [noise([1, 3, 1])]],
  ],
  [
    [13, 21],
    ["Squeeze", [noise([1, 3, 1]), fixedInts(0)]],
  ],
  [
    [7, 11, 12],
    ["Unsqueeze", [noise([3, 4])], { axes: [0, 3] }],
  ],
  [
    [11, 12],
    ["Unsqueeze", [noise([3, 4])], { axes: [-1] }],
  ],
  [
    [13, 21],
    ["Unsqueeze", [noise([3, 4]), fixedInts(1, -1)]],
  ],
  [
    [7, 11],
    ["Concat", [noise([2, 3]), noise([2, 1])], { axis: 1 }],
  ],
  [
    [8, 13],
    ["Expand", [noise([3, 1]), fixedInts(2, 1, 4)]],
  ],
  [
    [11, 13],
    ["DepthToSpace", [noise([1, 8, 2, 3])], { blocksize: 2, mode: "CRD" }],
  ],
  [
    [7, 11],
    ["Flatten", [x], { axis: 2 }],
  ],
  [
    [7, 13, 14],
    ["Reshape", [x, fixedInts(0, -1)]],
  ],
];
