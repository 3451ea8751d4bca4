/** Operators in the forms of older operator sets, each with the sets in which it had that form. */

import { scalar, tensorOf } from "../../src/tensor.ts";
import { oldMovingCases } from "./upgrade-moving-cases.ts";
import { oldResizeCases } from "./upgrade-resize-cases.ts";
import { oldSamplingCases } from "./upgrade-sampling-cases.ts";
import { oldShapeCases } from "./upgrade-shape-cases.ts";
import { fixed, fixedInts, float, ints, noise, type Case } from "./support.ts";

export type OldCase = readonly [opsets: readonly number[], c: Case];

const x = noise([2, 3, 4, 5]);
const real = (value: number) => ({ type: "float", value }) as const;
const image = noise([1, 2, 6, 5]);
const channels = [noise([3], 2), noise([3], 3), noise([3], 4), float([3], [0.5, 1, 2])];

const softmaxes: OldCase[] = ["Softmax", "LogSoftmax"].flatMap((op): OldCase[] => [
  [
    [7, 11, 12, 13, 21],
    [op, [x]],
  ],
  [
    [7, 12, 13],
    [op, [x], { axis: 2 }],
  ],
  [
    [7, 12, 13],
    [op, [x], { axis: 3 }],
  ],
  [
    [7, 11, 13],
    [op, [x], { axis: 0 }],
  ],
  [
    [11, 12, 13],
    [op, [x], { axis: -2 }],
  ],
]);

const reductions: OldCase[] =
  "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare"
    .split(" ")
    .flatMap((op): OldCase[] => {
      const data = float(
        [2, 3, 4],
        Array.from({ length: 24 }, (_, i) => ((i * 5) % 24) / 10 + 0.1),
      );
      const before = op === "ReduceSum" ? [7, 11, 12] : [7, 11, 13, 17];
      return [
        [before, [op, [data], { axes: [0, 2], keepdims: 0 }]],
        [before, [op, [data], { axes: [1] }]],
        [
          [...before, 18, 21],
          [op, [data]],
        ],
        [op === "ReduceSum" ? [11, 12] : [11, 17], [op, [data], { axes: [-1] }]],
        [op === "ReduceSum" ? [13, 18] : [18, 21], [op, [data, fixedInts(-1)], { keepdims: 0 }]],
      ];
    });

/** Operators of one form since a version, from 7 on: here it is the newest version against that. */
const steady: readonly (readonly [since: number, c: Case])[] = [
  [7, ["Elu", [x], { alpha: real(0.7) }]],
  [7, ["Selu", [x]]],
  [12, ["Celu", [x], { alpha: real(0.7) }]],
  [10, ["ThresholdedRelu", [x], { alpha: real(0.3) }]],
  [7, ["Softsign", [x]]],
  [7, ["HardSigmoid", [x], { alpha: real(0.3), beta: real(0.4) }]],
  [14, ["HardSwish", [x]]],
  [18, ["Mish", [x]]],
  [20, ["Gelu", [x]]],
  [9, ["Shrink", [x], { lambd: real(0.3), bias: real(0.1) }]],
  [14, ["Trilu", [x]]],
  [15, ["CastLike", [x, ints(1)]]],
  [7, ["InstanceNormalization", [x, noise([3], 2), noise([3], 3)], { epsilon: real(0.1) }]],
  [17, ["LayerNormalization", [x, noise([5], 2), noise([5], 3)], { stash_type: 1 }, 3]],
  [7, ["LRN", [x], { size: 3, alpha: real(0.5) }]],
  [7, ["LpNormalization", [x], { axis: 1, p: 1 }]],
  [9, ["MeanVarianceNormalization", [x]]],
];

export const oldCases: readonly OldCase[] = [
  ...softmaxes,
  ...reductions,
  ...oldResizeCases,
  ...oldSamplingCases,
  ...oldMovingCases,
  ...oldShapeCases,
  [
    [7, 10],
    ["Clip", [x], { min: real(-0.5), max: real(0.25) }],
  ],
  [
    [7, 10],
    ["Clip", [x], { max: real(0.25) }],
  ],
  [
    [7, 10],
    ["Clip", [x]],
  ],
  [
    [11, 12, 13],
    ["Clip", [x, fixed(scalar("float32", -0.5)), null]],
  ],
  [
    [7, 10, 12, 13],
    ["Dropout", [x]],
  ],
  [
    [7, 10],
    ["Dropout", [x], { ratio: 0.7 }],
  ],
  [
    [12, 13],
    ["Dropout", [x, fixed(scalar("float32", 0.7)), fixed(scalar("bool", 0))]],
  ],
  [
    [12, 13],
    ["Dropout", [x], {}, 2],
  ],
  [[12], ["Dropout", [x, fixed(scalar("float32", 0.7)), fixed(scalar("bool", 0))], {}, 2]],
  [
    [7, 8],
    ["BatchNormalization", [x, ...channels], { epsilon: 0.01, momentum: 0.5, spatial: 1 }],
  ],
  [
    [9, 14, 15],
    ["BatchNormalization", [x, ...channels], { epsilon: 0.01 }],
  ],
  [
    [7, 9],
    ["TopK", [x], { k: 3 }, 2],
  ],
  [
    [10, 11],
    ["TopK", [x, fixedInts(2)], { axis: 1 }, 2],
  ],
  [
    [11, 21],
    ["TopK", [x, fixedInts(2)], { axis: 1, largest: 0 }, 2],
  ],
  [
    [9, 10],
    ["Scatter", [noise([3, 4]), { ...ints(0, 1), shape: [1, 2] }, noise([1, 2])], { axis: 1 }],
  ],
  [
    [7, 13, 16],
    ["Identity", [x]],
  ],
  [
    [18],
    [
      "GroupNormalization",
      [noise([2, 6, 3, 3]), float([3], [1, 2, 0.5]), float([3], [0.1, -0.2, 0.3])],
      { num_groups: 3 },
    ],
  ],
  [[21], ["GroupNormalization", [noise([2, 6, 3, 3]), noise([6], 5), noise([6], 6)], { num_groups: 3 }]],
  ...steady.map(([since, c]): OldCase => [[since, 21], c]),
  [
    [7, 11],
    ["MaxPool", [image], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ],
  [
    [7, 10, 11],
    ["AveragePool", [image], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 }],
  ],
  [
    [7, 11],
    ["Gemm", [noise([2, 3]), noise([3, 4]), noise([4])], { alpha: 0.5, beta: 2 }],
  ],
  [
    [7, 9, 16],
    ["PRelu", [x, noise([3, 1, 1])]],
  ],
  [
    [7, 13],
    ["Cast", [x], { to: 6 }],
  ],
  [
    [9, 16],
    ["Where", [tensorOf("bool", [2], [1, 0]), noise([2]), noise([3, 1])]],
  ],
  [
    [10, 13, 19],
    ["QuantizeLinear", [x, scalar("float32", 0.1), scalar("uint8", 3)]],
  ],
];
