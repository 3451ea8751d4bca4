/** Older forms of operators on integers, and of those that move elements or multiply matrices. */

import { scalar, tensorOf } from "../../src/tensor.ts";
import { fixed, fixedInts, float, ints, noise } from "./support.ts";
import type { OldCase } from "./upgrade-cases.ts";

const x = noise([2, 3, 4, 5]);
const bytes = tensorOf(
  "uint8",
  [1, 2, 3, 4],
  Array.from({ length: 24 }, (_, i) => (i * 37) % 256),
);
const kernel = tensorOf(
  "int8",
  [3, 2, 2, 2],
  Array.from({ length: 24 }, (_, i) => ((i * 53) % 200) - 100),
);
const quarter = fixed(scalar("float32", 0.04));
const middle = fixed(scalar("uint8", 110));

const integers: OldCase[] = [
  [
    [10, 21],
    [
      "QLinearConv",
      [bytes, quarter, middle, fixed(kernel), quarter, fixed(scalar("int8", 0)), quarter, middle],
      { pads: [1, 0, 1, 0] },
    ],
  ],
  [
    [10, 21],
    [
      "QLinearMatMul",
      [
        tensorOf("uint8", [2, 3], [1, 200, 30, 4, 50, 160]),
        quarter,
        middle,
        fixed(tensorOf("uint8", [3, 2], [7, 80, 9, 210, 1, 120])),
        quarter,
        middle,
        quarter,
        middle,
      ],
    ],
  ],
  [
    [10, 21],
    ["ConvInteger", [bytes, kernel, scalar("uint8", 100)], { strides: [1, 2] }],
  ],
  [
    [10, 21],
    ["MatMulInteger", [tensorOf("uint8", [2, 2], [1, 2, 3, 4]), tensorOf("uint8", [2, 1], [9, 200])]],
  ],
  [
    [11, 21],
    ["DynamicQuantizeLinear", [x], {}, 3],
  ],
  [
    [10, 13, 19, 21],
    ["DequantizeLinear", [bytes, scalar("float32", 0.1), scalar("uint8", 3)]],
  ],
  [
    [13, 19, 21],
    ["DequantizeLinear", [bytes, float([2], [0.1, 0.3]), tensorOf("uint8", [2], [3, 100])]],
  ],
  [
    [13, 19],
    [
      "QuantizeLinear",
      [x, float([5], [0.1, 0.3, 0.01, 0.02, 1]), tensorOf("int8", [5], [3, 0, 1, 2, -5])],
      { axis: -1 },
    ],
  ],
];

const gathering: OldCase[] = [
  [
    [12, 21],
    ["Einsum", [noise([2, 3]), noise([3, 4])], { equation: "ij,jk" }],
  ],
  [
    [10, 21],
    ["ReverseSequence", [noise([4, 3]), ints(1, 4, 2)]],
  ],
  [
    [7, 11, 13],
    ["Gather", [x, ints(0, 3, 1)], { axis: 2 }],
  ],
  [
    [11, 13],
    ["GatherElements", [noise([3, 4]), { ...ints(0, -1, 1, 0), shape: [2, 2] }], { axis: -1 }],
  ],
  [
    [11, 12, 13],
    ["GatherND", [noise([2, 3, 4]), { ...ints(0, 1, 1, 2), shape: [2, 2] }]],
  ],
  [
    [12, 13],
    ["GatherND", [noise([2, 3, 4]), { ...ints(0, 1), shape: [2, 1] }], { batch_dims: 1 }],
  ],
  [
    [11, 13],
    ["ScatterElements", [noise([3, 4]), { ...ints(0, -1), shape: [1, 2] }, noise([1, 2], 4)], { axis: 1 }],
  ],
  [
    [16, 18],
    [
      "ScatterElements",
      [noise([3, 4]), { ...ints(1, 1), shape: [1, 2] }, noise([1, 2], 4)],
      { axis: 1, reduction: "add" },
    ],
  ],
  [
    [11, 13],
    ["ScatterND", [noise([3, 4]), { ...ints(0, 2), shape: [2, 1] }, noise([2, 4], 4)]],
  ],
  [
    [16, 18],
    ["ScatterND", [noise([3, 4]), { ...ints(2, 2), shape: [2, 1] }, noise([2, 4], 4)], { reduction: "add" }],
  ],
  [
    [7, 13],
    ["Tile", [noise([2, 3]), fixedInts(2, 3)]],
  ],
  [
    [11, 14],
    ["CumSum", [x, fixed(scalar("int64", -1))], { exclusive: 1, reverse: 1 }],
  ],
  [
    [7, 10],
    ["DepthToSpace", [noise([1, 8, 2, 3])], { blocksize: 2 }],
  ],
  [
    [7, 13],
    ["SpaceToDepth", [noise([1, 2, 4, 6])], { blocksize: 2 }],
  ],
  [
    [7, 10],
    ["Pad", [x], { pads: [0, 0, 1, 2, 0, 0, 0, 3], mode: "edge" }],
  ],
  [
    [11, 18],
    ["Pad", [x, fixedInts(0, 0, 2, -1, 0, 0, -1, 3)], { mode: "reflect" }],
  ],
  [
    [19, 21],
    ["Pad", [x, fixedInts(0, 0, 1, 2, 0, 0, 3, 1)], { mode: "wrap" }],
  ],
  [
    [7, 9],
    ["MatMul", [noise([3]), noise([2, 3, 4])]],
  ],
  [
    [9, 11],
    ["Gemm", [noise([3, 2]), noise([4, 3]), noise([2, 1])], { transA: 1, transB: 1, beta: 0.5 }],
  ],
  [
    [11, 13],
    ["Gemm", [noise([2, 3]), noise([3, 4])]],
  ],
];

export const oldMovingCases: readonly OldCase[] = [...integers, ...gathering];
