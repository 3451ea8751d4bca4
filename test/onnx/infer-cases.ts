/** At least one case for each operator whose shapes are inferred, and the variations that are easily got wrong. */

import { filled, scalar, tensorOf } from "../../src/tensor.ts";
import { fixed, fixedInts, float, ints, noise, type Case } from "./support.ts";

const x = noise([1, 4, 7, 9]);
const sequence = (shape: readonly number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return float(
    shape,
    Array.from({ length: size }, (_, i) => ((i * 7) % size) / size),
  );
};
const bool = tensorOf("bool", [4], [1, 0, 1, 1]);
const floats = (...values: readonly number[]) => fixed(float([values.length], values));

const unary: Case[] = (
  "Abs Ceil Celu Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Neg Reciprocal Relu Round Selu " +
  "Sigmoid Sign Softplus Softsign Sqrt Tanh ThresholdedRelu Sin Cos Softmax LogSoftmax Hardmax IsNaN IsInf Shrink Trilu " +
  "Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh"
)
  .split(" ")
  .map((op): Case => [op, [noise([2, 3])]]);

const binary: Case[] = "Add Sub Mul Div Pow PRelu Greater GreaterOrEqual Less LessOrEqual Equal"
  .split(" ")
  .flatMap((op): Case[] => [
    [op, [noise([2, 3, 4]), noise([3, 1])]],
    [op, [op === "PRelu" ? noise([5, 2, 3]) : noise([1, 3]), noise([5, 2, 1])]],
  ]);

const pooling: Case[] = ["MaxPool", "AveragePool", "LpPool"].flatMap((op): Case[] => [
  [op, [x], { kernel_shape: [3, 3] }],
  [op, [x], { kernel_shape: [2, 3], strides: [2, 2], pads: [1, 0, 0, 1] }],
  [op, [x], { kernel_shape: [3, 4], strides: [2, 3], auto_pad: "SAME_UPPER" }],
  [op, [x], { kernel_shape: [3, 4], strides: [2, 3], auto_pad: "SAME_LOWER" }],
  [op, [x], { kernel_shape: [3, 2], strides: [2, 3], auto_pad: "VALID" }],
  [op, [x], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }],
  // The last window would start in the end padding: it is dropped.
  [op, [noise([1, 1, 4, 4])], { kernel_shape: [1, 1], strides: [2, 2], ceil_mode: 1 }],
  [op, [noise([1, 1, 5, 5])], { kernel_shape: [2, 2], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  [op, [noise([1, 1, 6, 6])], { kernel_shape: [3, 3], strides: [4, 4], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  [op, [x], { kernel_shape: [3, 3], dilations: [2, 1] }],
  [op, [noise([1, 2, 9])], { kernel_shape: [4], strides: [2] }],
]);

const convolution: Case[] = [
  ["Conv", [x, noise([6, 4, 3, 3])]],
  ["Conv", [x, noise([6, 4, 3, 3]), noise([6])], { kernel_shape: [3, 3], strides: [2, 3], pads: [1, 2, 0, 1] }],
  ["Conv", [x, noise([8, 1, 3, 3])], { group: 4, dilations: [2, 3] }],
  ["Conv", [x, noise([6, 4, 3, 2])], { auto_pad: "SAME_UPPER", strides: [2, 2] }],
  ["Conv", [x, noise([6, 4, 4, 2])], { auto_pad: "SAME_LOWER", strides: [3, 2] }],
  ["Conv", [x, noise([6, 4, 3, 2])], { auto_pad: "VALID", strides: [2, 2] }],
  ["Conv", [noise([2, 3, 10]), noise([4, 3, 3])], { dilations: [2] }],
  ["ConvTranspose", [x, noise([4, 5, 3, 3])]],
  ["ConvTranspose", [x, noise([4, 5, 3, 2])], { strides: [2, 3], pads: [1, 0, 1, 1], output_padding: [1, 2] }],
  ["ConvTranspose", [x, noise([4, 2, 3, 3])], { group: 2, dilations: [2, 1] }],
  ["ConvTranspose", [x, noise([4, 5, 3, 3])], { strides: [2, 2], output_shape: [14, 17] }],
  ["ConvTranspose", [x, noise([4, 5, 3, 3])], { strides: [2, 2], output_shape: [14, 18], auto_pad: "SAME_UPPER" }],
  ["ConvTranspose", [x, noise([4, 5, 3, 3])], { strides: [2, 3], auto_pad: "SAME_UPPER" }],
  ["ConvTranspose", [x, noise([4, 5, 4, 4])], { strides: [2, 3], auto_pad: "SAME_LOWER" }],
  ["ConvTranspose", [x, noise([4, 5, 3, 3])], { strides: [2, 3], auto_pad: "VALID" }],
  ["GlobalAveragePool", [x]],
  ["GlobalMaxPool", [x]],
  ["GlobalLpPool", [x]],
  ["MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] }, 2],
  [
    "MaxUnpool",
    [noise([1, 1, 2, 2]), { ...ints(0, 3, 8, 10), shape: [1, 1, 2, 2] }],
    { kernel_shape: [2, 2], strides: [2, 2] },
  ],
  [
    "MaxUnpool",
    [noise([1, 1, 2, 2]), { ...ints(0, 3, 8, 10), shape: [1, 1, 2, 2] }, fixedInts(1, 1, 5, 5)],
    { kernel_shape: [2, 2], strides: [2, 2] },
  ],
];

const resizing: Case[] = [
  ...[0.3, 0.5, 0.7, 1, 1.3, 2, 2.6].map((s): Case => ["Resize", [noise([1, 1, 10, 7]), null, floats(1, 1, s, s)]]),
  ["Resize", [x, null, null, fixedInts(1, 4, 3, 20)], { mode: "linear" }],
  ["Resize", [x, null, null, fixedInts(3, 20)], { mode: "nearest", axes: [2, 3] }],
  ["Resize", [x, null, floats(2, 0.4)], { mode: "linear", axes: [-1, -2] }],
  ["Resize", [x, null, floats(1, 1, 1.5, 0.6)], { mode: "cubic", coordinate_transformation_mode: "align_corners" }],
];

const policies: Case[] = ["stretch", "not_larger", "not_smaller"].flatMap((keep_aspect_ratio_policy): Case[] => [
  ["Resize", [x, null, null, fixedInts(11, 20)], { axes: [2, 3], mode: "linear", keep_aspect_ratio_policy }],
  ["Resize", [x, null, null, fixedInts(5, 2)], { axes: [3, 2], keep_aspect_ratio_policy }],
]);

const slicing: Case[] = [
  ["Slice", [x, fixedInts(1), fixedInts(3)]],
  ["Slice", [x, fixedInts(1, 2), fixedInts(100, -1), fixedInts(2, 3)]],
  ["Slice", [x, fixedInts(-1, 8), fixedInts(-100, 1), fixedInts(2, -1), fixedInts(-1, -3)]],
  ["Slice", [x, fixedInts(5), fixedInts(-(2 ** 40)), fixedInts(2), fixedInts(-2)]],
  ["Slice", [x, fixedInts(-100), fixedInts(2 ** 40), fixedInts(1), fixedInts(3)]],
  ["Slice", [x, fixedInts(5), fixedInts(2), fixedInts(2)]],
  ["Slice", [x, fixedInts(100), fixedInts(-100), fixedInts(3), fixedInts(-4)]],
  ["Split", [x, fixedInts(1, 3)], { axis: 1 }, 2],
  ["Split", [x], { axis: 2, num_outputs: 3 }, 3],
  ["Split", [x, fixedInts(2, 0, 7)], { axis: -1 }, 3],
  ["Concat", [noise([2, 3]), noise([4, 3]), noise([0, 3])], { axis: 0 }],
  ["Concat", [noise([2, 3]), noise([2, 1])], { axis: -1 }],
  ["Pad", [x, fixedInts(0, 1, 2, 0, 0, 0, 1, 3)]],
  ["Pad", [x, fixedInts(0, 0, -1, -2, 0, 0, 3, -1)]],
  ["Pad", [x, fixedInts(1, 2, 3, 4), null, fixedInts(-1, 2)], { mode: "reflect" }],
  ["Gather", [x, fixed(scalar("int64", -1))], { axis: 1 }],
  ["Gather", [x, { ...ints(0, 1, 2, 3, 1, 0), shape: [2, 3] }], { axis: -2 }],
  ["GatherElements", [noise([3, 4]), { ...ints(0, 1, 1, 0), shape: [2, 2] }], { axis: -1 }],
  ["GatherND", [noise([2, 3, 4]), { ...ints(0, 1, 1, 2), shape: [2, 2] }]],
  ["GatherND", [noise([2, 3, 4]), { ...ints(0, 1), shape: [2, 1] }], { batch_dims: 1 }],
  ["ScatterElements", [noise([3, 4]), { ...ints(0, 1), shape: [1, 2] }, noise([1, 2])], { axis: 1 }],
  ["ScatterND", [noise([3, 4]), { ...ints(0, 2), shape: [2, 1] }, noise([2, 4])]],
  ["OneHot", [ints(0, 2, 1), fixedInts(5), float([2], [0, 1])]],
  ["OneHot", [{ ...ints(0, 2, 1, 1), shape: [2, 2] }, fixedInts(3), float([2], [0, 1])], { axis: 0 }],
  ["OneHot", [{ ...ints(0, 2, 1, 1), shape: [2, 2] }, fixedInts(3), float([2], [0, 1])], { axis: -2 }],
];

const reshaping: Case[] = [
  ["Reshape", [x, fixedInts(0, -1, 9)]],
  ["Reshape", [x, fixedInts(-1)]],
  ["Reshape", [x, fixedInts(2, 2, 63)]],
  ["Reshape", [noise([0, 3]), fixedInts(3, 0)], { allowzero: 1 }],
  ["Reshape", [noise([3]), fixedInts()].map((t, i) => (i ? t : noise([1, 1])))],
  ["Flatten", [x]],
  ["Flatten", [x], { axis: 0 }],
  ["Flatten", [x], { axis: -1 }],
  ["Squeeze", [noise([1, 3, 1, 1])]],
  ["Squeeze", [noise([1, 3, 1, 1]), fixedInts(-1, 0)]],
  ["Unsqueeze", [noise([3, 4]), fixedInts(0, -1)]],
  ["Unsqueeze", [noise([3, 4]), fixedInts(3, 1)]],
  ["Transpose", [x]],
  ["Transpose", [x], { perm: [2, 0, 3, 1] }],
  ["Expand", [noise([3, 1]), fixedInts(2, 1, 4)]],
  ["Expand", [noise([3, 1]), fixedInts(1)]],
  ["Tile", [noise([2, 3]), fixedInts(2, 1)]],
  ["DepthToSpace", [noise([1, 8, 2, 3])], { blocksize: 2 }],
  ["SpaceToDepth", [noise([1, 2, 4, 6])], { blocksize: 2 }],
  ["Constant", [], { value: float([2, 2], [1, 2, 3, 4]) }],
  ["ConstantOfShape", [fixedInts(2, 3)]],
  ["ConstantOfShape", [fixedInts(2)], { value: ints(7) }],
  ["Shape", [x]],
  ["Shape", [x], { start: 1, end: -1 }],
  ["Shape", [x], { start: -3, end: 10 }],
  ["Size", [x]],
  ["Range", [fixed(scalar("int64", 2)), fixed(scalar("int64", 11)), fixed(scalar("int64", 3))]],
  ["Range", [fixed(scalar("int64", 5)), fixed(scalar("int64", -1)), fixed(scalar("int64", -2))]],
];

const reducing: Case[] = [
  ..."ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare"
    .split(" ")
    .flatMap((op): Case[] => [
      [op, [sequence([2, 3, 4])]],
      [op, [sequence([2, 3, 4]), fixedInts(-1, 0)], { keepdims: 0 }],
      [op, [sequence([2, 3, 4]), fixedInts(1)]],
      [op, [sequence([2, 3, 4])], { noop_with_empty_axes: 1 }],
    ]),
  ...["ArgMax", "ArgMin"].flatMap((op): Case[] => [
    [op, [x]],
    [op, [x], { axis: -1, keepdims: 0 }],
  ]),
  ["TopK", [x, fixedInts(3)], {}, 2],
  ["TopK", [x, fixedInts(2)], { axis: 1, largest: 0 }, 2],
  ["MatMul", [noise([2, 3]), noise([3, 4])]],
  ["MatMul", [noise([5, 1, 2, 3]), noise([4, 3, 2])]],
  ["MatMul", [noise([3]), noise([2, 3, 4])]],
  ["MatMul", [noise([2, 3]), noise([3])]],
  ["MatMul", [noise([3]), noise([3])]],
  ["Gemm", [noise([2, 3]), noise([3, 4]), noise([4])]],
  ["Gemm", [noise([3, 2]), noise([4, 3])], { transA: 1, transB: 1 }],
];

const bytes = filled("uint8", [1, 2, 3, 3], 7);

const integers: Case[] = [
  ["ConvInteger", [bytes, filled("int8", [3, 2, 2, 2], -3), scalar("uint8", 1)], { strides: [2, 1] }],
  ["MatMulInteger", [tensorOf("uint8", [2, 2], [1, 2, 3, 4]), tensorOf("int8", [3, 2, 1], [1, 2, 3, 4, 5, 6])]],
  ["DynamicQuantizeLinear", [x], {}, 3],
];

const summing: Case[] = [
  ["Einsum", [noise([2, 3]), noise([3, 4])], { equation: "ij,jk" }],
  ["Einsum", [noise([2, 3, 4]), noise([4, 5])], { equation: "...b,ba->a..." }],
  ["Einsum", [noise([3, 3]), noise([3, 1])], { equation: "ii,ij->ij" }],
];

const sampling: Case[] = [
  ["GridSample", [x, noise([1, 2, 5, 2])]],
  ["GridSample", [noise([2, 3, 2, 3, 4]), noise([2, 1, 5, 2, 3])], { mode: "nearest" }],
  ["ReverseSequence", [noise([4, 3]), ints(1, 4, 2)]],
];

const quantised: Case[] = [
  ["QuantizeLinear", [x, scalar("float32", 0.1)]],
  ["QuantizeLinear", [x, scalar("float32", 0.1), scalar("int8", 3)]],
  ["QuantizeLinear", [x, scalar("float32", 0.1)], { output_dtype: 3 }],
  ["QuantizeLinear", [x, scalar("float32", 0.1), scalar("uint16", 3)]],
  ["DequantizeLinear", [tensorOf("int8", [2, 2], [1, 2, 3, 4]), float([2, 1], [1, 2])], { axis: 1, block_size: 2 }],
  ["DequantizeLinear", [tensorOf("uint8", [2, 2], [1, 2, 3, 4]), scalar("float32", 0.1), scalar("uint8", 3)]],
];

const normalising: Case[] = [
  ["BatchNormalization", [x, noise([4]), noise([4]), noise([4]), float([4], [1, 2, 3, 4])]],
  ["InstanceNormalization", [x, noise([4]), noise([4])]],
  ["LayerNormalization", [x, noise([9])]],
  ["LayerNormalization", [x, noise([9])], {}, 3],
  ["LayerNormalization", [x, noise([7, 1]), noise([1])], { axis: 1 }, 3],
  ["LayerNormalization", [x, noise([1, 4, 7, 9])], { axis: 0 }, 2],
  ["GroupNormalization", [x, noise([4]), noise([4])], { num_groups: 2 }],
  ["LRN", [x], { size: 3 }],
  ["LpNormalization", [x]],
  ["LpNormalization", [x], { axis: 1, p: 1 }],
  ["MeanVarianceNormalization", [x]],
  ["MeanVarianceNormalization", [x], { axes: [1] }],
];

export const inferCases: readonly Case[] = [
  ...unary,
  ...binary,
  ["Not", [bool]],
  ...["And", "Or", "Xor"].map((op): Case => [op, [bool, tensorOf("bool", [2, 1], [1, 0])]]),
  ...["Max", "Min", "Sum", "Mean"].map((op): Case => [op, [noise([2, 3]), noise([3]), noise([4, 1, 1])]]),
  ["Mod", [ints(5, -7), ints(3)]],
  ["BitShift", [tensorOf("uint32", [2], [5, 7]), tensorOf("uint32", [3, 1], [1, 2, 3])], { direction: "LEFT" }],
  ...["BitwiseAnd", "BitwiseOr", "BitwiseXor"].map((op): Case => [op, [ints(5, -7), { ...ints(3, 6), shape: [2, 1] }]]),
  ["BitwiseNot", [ints(5, -7)]],
  ["Trilu", [x, fixed(scalar("int64", -2))], { upper: 0 }],
  ["Dropout", [x], {}, 2],
  ["Pow", [noise([2]), ints(2)]],
  ["Clip", [x, scalar("float32", 0), null]],
  ["Where", [bool, noise([3, 1]), noise([1])]],
  ["Cast", [x], { to: 7 }],
  ["CastLike", [x, ints(1)]],
  ["CumSum", [x, fixed(scalar("int64", 1))]],
  ...pooling,
  ...convolution,
  ...resizing,
  ...policies,
  ...slicing,
  ...reshaping,
  ...reducing,
  ...quantised,
  ...integers,
  ...summing,
  ...sampling,
  ...normalising,
];
