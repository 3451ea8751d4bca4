/** Operators that are decomposed when a model is loaded, each with what it computes on reals. */

import type { Builder } from "../../src/onnx/build.ts";
import type { PlainAttributes } from "../../src/onnx/graph.ts";
import type { Value } from "../../src/onnx/value.ts";
import { integer, random } from "../../src/random.ts";
import { numbersOf, scalar, sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { float, noise } from "./support.ts";

type IntegerType = "uint8" | "int8";

/** An input that is fed: integers with their scale and zero point, or floats. */
export interface Fed {
  readonly fed: Tensor;
  readonly affine?: { readonly scale: number; readonly zero: number; readonly dtype: IntegerType };
}

export interface DecomposeCase {
  readonly operator: string;
  /** "" for a standard operator. */
  readonly domain: string;
  readonly name: string;
  /** Inputs of the node: fed, constant, or absent. */
  readonly inputs: readonly (Fed | Tensor | null)[];
  readonly attributes: PlainAttributes;
  readonly outputs: number;
  /** Of the quantised output; absent where it is float. */
  readonly y?: NonNullable<Fed["affine"]>;
  /** The same on reals, from the fed inputs; for operators of integers, whose gradient is straight-through. */
  readonly real?: (op: Builder, ...x: Value[]) => Value;
}

const spans = { uint8: [0, 255], int8: [-128, 127] } as const;

/** Integers over their whole range, except `zero`, at which some functions have a kink. */
const levels = (dtype: IntegerType, shape: readonly number[], zero: number, seed: number): Tensor => {
  const [low, high] = spans[dtype];
  const next = random(seed);
  const drawn = Array.from({ length: sizeOf(shape) }, () => integer(next, low, high));
  return tensorOf(
    dtype,
    shape,
    drawn.map((q) => (q === zero ? zero + 1 : q)),
  );
};

type Triple = readonly [Fed, Tensor, Tensor];

const activation = (
  shape: readonly number[],
  scale: number,
  zero: number,
  dtype: IntegerType = "uint8",
  seed = 3,
): Triple => [
  { fed: levels(dtype, shape, zero, seed), affine: { scale, zero, dtype } },
  scalar("float32", scale),
  scalar(dtype, zero),
];

const int8 = (shape: readonly number[], zero = 0): Tensor => levels("int8", shape, zero, 7);
const list = (dtype: IntegerType, ...values: readonly number[]): Tensor => tensorOf(dtype, [values.length], values);

/** Constant integers as reals, with one scale or one per index of `axis`. */
const dequantized = (op: Builder, q: Tensor, scales: readonly number[], zeros: readonly number[], axis = 0): Value => {
  const inner = sizeOf(q.shape.slice(axis + 1));
  const at = (values: readonly number[], i: number) => values[Math.floor(i / inner) % values.length]!;
  return op.tensor(
    float(
      q.shape,
      numbersOf(q).map((v, i) => (v - at(zeros, i)) * Math.fround(at(scales, i))),
    ),
  );
};

const levelled = (scale: number, zero: number, dtype: IntegerType = "uint8") => ({
  y: { scale, zero, dtype },
  parameters: [scalar("float32", scale), scalar(dtype, zero)] as const,
});

interface Draft {
  readonly operator: string;
  readonly name: string;
  readonly inputs: DecomposeCase["inputs"];
  readonly real?: NonNullable<DecomposeCase["real"]>;
  readonly y?: NonNullable<DecomposeCase["y"]>;
  readonly attributes?: PlainAttributes;
  readonly outputs?: number;
}

const standard = ({ attributes = {}, outputs = 1, ...draft }: Draft): DecomposeCase => ({
  ...draft,
  domain: "",
  attributes,
  outputs,
});
const microsoft = (draft: Draft): DecomposeCase => ({ ...standard(draft), domain: "com.microsoft" });

const image = activation([1, 2, 5, 6], 0.02, 100);
const wide = levelled(0.1, 120);
const narrow = levelled(0.01, 128);

const convolutions: readonly DecomposeCase[] = [
  {
    name: "a scale per channel, bias, padded",
    w: int8([3, 2, 3, 3]),
    scales: [0.01, 0.004, 0.02],
    zeros: [0, 0, 0],
    bias: [300, -2000, 40],
    attributes: { pads: [1, 1, 1, 1] },
  },
  {
    name: "one scale, a zero point of the weights, some saturate",
    w: int8([3, 2, 3, 3]),
    scales: [0.05],
    zeros: [5],
    attributes: { strides: [2, 1] },
  },
  {
    name: "two groups, dilation",
    w: int8([4, 1, 2, 2]),
    scales: [0.01, 0.004, 0.02, 0.01],
    zeros: [0, 0, 0, 0],
    bias: [1, 2, 3, -400],
    attributes: { group: 2, dilations: [2, 1], pads: [0, 1, 1, 0] },
  },
].map(({ name, w, scales, zeros, bias, attributes }) => {
  const units = scales.map((s) => Math.fround(Math.fround(s) * Math.fround(0.02)));
  const scale = scales.length === 1 ? scalar("float32", scales[0]!) : float([scales.length], scales);
  const zero = zeros.length === 1 ? scalar("int8", zeros[0]!) : list("int8", ...zeros);
  const b = bias ? [tensorOf("int32", [bias.length], bias)] : [];
  return standard({
    operator: "QLinearConv",
    name,
    inputs: [...image, w, scale, zero, ...wide.parameters, ...b],
    attributes,
    y: wide.y,
    real: (op, x) => {
      const reals =
        bias &&
        op.tensor(
          float(
            [bias.length],
            bias.map((v, i) => v * units[i % units.length]!),
          ),
        );
      return op.Conv(x, dequantized(op, w, scales, zeros), reals ?? null, attributes);
    },
  });
});

const signedConvolution: DecomposeCase = (() => {
  const [x, y] = [activation([1, 2, 4, 4], 0.02, -3, "int8"), levelled(0.1, 8, "int8")];
  const w = int8([2, 2, 2, 2]);
  return standard({
    operator: "QLinearConv",
    name: "int8 throughout",
    inputs: [...x, w, scalar("float32", 0.01), scalar("int8", 0), ...y.parameters],
    y: y.y,
    real: (op, v) => op.Conv(v, dequantized(op, w, [0.01], [0])),
  });
})();

const channelsLast: DecomposeCase = (() => {
  const w = int8([3, 2, 3, 2]);
  return microsoft({
    operator: "QLinearConv",
    name: "channels last",
    inputs: [...activation([1, 5, 6, 2], 0.02, 100), w, scalar("float32", 0.01), scalar("int8", 0), ...wide.parameters],
    attributes: { channels_last: 1, pads: [1, 0, 0, 1] },
    y: wide.y,
    real: (op, x) => {
      const y = op.Conv(op.Transpose(x, { perm: [0, 3, 1, 2] }), dequantized(op, w, [0.01], [0]), {
        pads: [1, 0, 0, 1],
      });
      return op.Transpose(y, { perm: [0, 2, 3, 1] });
    },
  });
})();

const products: readonly DecomposeCase[] = [
  standard({
    operator: "QLinearMatMul",
    name: "matrices, the right one constant",
    inputs: [
      ...activation([3, 4], 0.02, 100),
      int8([4, 5]),
      scalar("float32", 0.01),
      scalar("int8", 3),
      ...wide.parameters,
    ],
    y: wide.y,
    real: (op, a) => op.MatMul(a, dequantized(op, int8([4, 5]), [0.01], [3])),
  }),
  standard({
    operator: "QLinearMatMul",
    name: "a scale per column",
    inputs: [
      ...activation([3, 4], 0.02, 100),
      int8([4, 3]),
      float([3], [0.01, 0.02, 0.005]),
      list("int8", 0, 0, 0),
      ...wide.parameters,
    ],
    y: wide.y,
    real: (op, a) => op.MatMul(a, dequantized(op, int8([4, 3]), [0.01, 0.02, 0.005], [0], 1)),
  }),
  standard({
    operator: "QLinearMatMul",
    name: "two stacks that are fed",
    inputs: [...activation([2, 3, 4], 0.02, 100), ...activation([2, 4, 2], 0.01, 7, "uint8", 5), ...wide.parameters],
    y: wide.y,
    real: (op, a, b) => op.MatMul(a, b),
  }),
  microsoft({
    operator: "QGemm",
    name: "bias, alpha, the right factor transposed, a scale per column",
    inputs: [
      ...activation([3, 4], 0.02, 100),
      int8([2, 4]),
      float([2], [0.01, 0.02]),
      list("int8", 0, 0),
      tensorOf("int32", [3, 2], [9000, -3000, 100, 4000, -20_000, 6000]),
      ...wide.parameters,
    ],
    attributes: { alpha: 0.5, transB: 1 },
    y: wide.y,
    real: (op, a) => {
      const b = dequantized(op, int8([2, 4]), [0.01, 0.02], [0]);
      const c = float(
        [3, 2],
        [9000, -3000, 100, 4000, -20_000, 6000].map((v, i) => v * 0.5 * 0.02 * [0.01, 0.02][i % 2]!),
      );
      return op.Gemm(a, b, op.tensor(c), { alpha: 0.5, transB: 1 });
    },
  }),
  microsoft({
    operator: "QGemm",
    name: "no bias, float results, a scale per column",
    inputs: [
      ...activation([4, 3], 0.02, 100),
      int8([4, 2]),
      float([2], [0.01, 0.02]),
      list("int8", 0, 0),
      null,
      null,
      null,
    ],
    attributes: { transA: 1 },
    real: (op, a) => op.Gemm(a, dequantized(op, int8([4, 2]), [0.01, 0.02], [0], 1), { transA: 1 }),
  }),
];

const binary = (["Add", "Mul"] as const).flatMap((operator): DecomposeCase[] => [
  microsoft({
    operator: `QLinear${operator}`,
    name: "equal shapes",
    inputs: [...image, ...activation([1, 2, 5, 6], 0.03, 7, "uint8", 9), ...wide.parameters],
    y: wide.y,
    real: (op, a, b) => op[operator](a, b),
  }),
  microsoft({
    operator: `QLinear${operator}`,
    name: "int8, broadcast",
    inputs: [
      ...activation([2, 3], 0.02, 10, "int8"),
      ...activation([3], 0.03, 7, "int8", 9),
      ...levelled(0.05, -12, "int8").parameters,
    ],
    y: levelled(0.05, -12, "int8").y,
    real: (op, a, b) => op[operator](a, b),
  }),
]);

const window = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };

const pools: readonly DecomposeCase[] = [
  ...[0, 1].map((include) =>
    microsoft({
      operator: "QLinearAveragePool",
      name: `padded, count_include_pad ${include}`,
      inputs: [...image, ...narrow.parameters],
      attributes: { ...window, count_include_pad: include },
      y: narrow.y,
      real: (op, x) => op.AveragePool(x, { ...window, count_include_pad: include }),
    }),
  ),
  microsoft({
    operator: "QLinearAveragePool",
    name: "channels last",
    inputs: [...activation([1, 5, 6, 2], 0.02, 100), ...narrow.parameters],
    attributes: { ...window, channels_last: 1 },
    y: narrow.y,
    real: (op, x) => {
      const y = op.AveragePool(op.Transpose(x, { perm: [0, 3, 1, 2] }), window);
      return op.Transpose(y, { perm: [0, 2, 3, 1] });
    },
  }),
  microsoft({
    operator: "QLinearGlobalAveragePool",
    name: "channels second",
    inputs: [...image, ...narrow.parameters],
    attributes: { channels_last: 0 },
    y: narrow.y,
    real: (op, x) => op.ReduceMean(x, op.ints([2, 3])),
  }),
  microsoft({
    operator: "QLinearGlobalAveragePool",
    name: "channels last",
    inputs: [...activation([1, 5, 6, 2], 0.02, 100), ...narrow.parameters],
    attributes: { channels_last: 1 },
    y: narrow.y,
    real: (op, x) => op.ReduceMean(x, op.ints([1, 2])),
  }),
];

const unit = levelled(1 / 256, 0);

const functions: readonly DecomposeCase[] = [
  microsoft({
    operator: "QLinearConcat",
    name: "three parts",
    inputs: [
      ...levelled(0.03, 110).parameters,
      ...activation([2, 1, 3], 0.02, 100),
      ...activation([2, 2, 3], 0.05, 7, "uint8", 8),
      ...activation([2, 1, 3], 0.03, 110, "uint8", 9),
    ],
    attributes: { axis: 1 },
    y: levelled(0.03, 110).y,
    real: (op, ...x) => op.Concat(...x, { axis: 1 }),
  }),
  microsoft({
    operator: "QLinearWhere",
    name: "broadcast",
    inputs: [
      tensorOf("bool", [3], [1, 0, 1]),
      ...activation([2, 3], 0.02, 100),
      ...activation([3], 0.02, 100, "uint8", 8),
      ...levelled(0.03, 110).parameters,
    ],
    y: levelled(0.03, 110).y,
    real: (op, a, b) => op.Where(op.tensor(tensorOf("bool", [3], [1, 0, 1])), a, b),
  }),
  microsoft({
    operator: "QLinearLeakyRelu",
    name: "a slope of 0.1",
    inputs: [...image, ...levelled(0.015, 30).parameters],
    attributes: { alpha: 0.1 },
    y: levelled(0.015, 30).y,
    real: (op, x) => op.LeakyRelu(x, { alpha: 0.1 }),
  }),
  microsoft({
    operator: "QLinearSigmoid",
    name: "uint8",
    inputs: [...image, ...unit.parameters],
    y: unit.y,
    real: (op, x) => op.Sigmoid(x),
  }),
  microsoft({
    operator: "QLinearSoftmax",
    name: "one axis, as since opset 13",
    inputs: [...activation([2, 3, 4], 0.02, 100), ...unit.parameters],
    attributes: { axis: 1, opset: 13 },
    y: unit.y,
    real: (op, x) => op.Softmax(x, { axis: 1 }),
  }),
  microsoft({
    operator: "QLinearSoftmax",
    name: "all axes from one on, as before opset 13",
    inputs: [...activation([2, 3, 4], 0.02, 100), ...unit.parameters],
    attributes: { axis: 1, opset: 12 },
    y: unit.y,
    real: (op, x) => op.Reshape(op.Softmax(op.Reshape(x, op.ints([2, 12])), { axis: 1 }), op.ints([2, 3, 4])),
  }),
];

const affine: readonly DecomposeCase[] = [
  microsoft({
    operator: "QuantizeLinear",
    name: "uint16",
    inputs: [{ fed: noise([3, 4]) }, scalar("float32", 0.002), scalar("uint16", 1000)],
  }),
  microsoft({
    operator: "QuantizeLinear",
    name: "per channel",
    inputs: [{ fed: noise([3, 4]) }, float([3], [0.02, 0.01, 0.03]), list("uint8", 100, 128, 3)],
    attributes: { axis: 0 },
  }),
  microsoft({
    operator: "DequantizeLinear",
    name: "int16",
    inputs: [{ fed: tensorOf("int16", [3], [-3000, 5, 700]) }, scalar("float32", 0.02), scalar("int16", 10)],
  }),
  microsoft({
    operator: "DequantizeLinear",
    name: "int32",
    inputs: [{ fed: tensorOf("int32", [3], [-300_000, 5, 700]) }, scalar("float32", 0.02), null],
  }),
  microsoft({
    operator: "MatMulIntegerToFloat",
    name: "bias",
    inputs: [
      activation([3, 4], 0.02, 100)[0],
      int8([4, 5]),
      scalar("float32", 0.02),
      scalar("float32", 0.01),
      scalar("uint8", 100),
      scalar("int8", 3),
      noise([5]),
    ],
    real: (op, a) => op.Add(op.MatMul(a, dequantized(op, int8([4, 5]), [0.01], [3])), op.tensor(noise([5]))),
  }),
  microsoft({
    operator: "DynamicQuantizeMatMul",
    name: "bias",
    inputs: [{ fed: noise([3, 4]) }, int8([4, 5]), scalar("float32", 0.01), scalar("int8", 3), noise([5])],
  }),
];

const conv = [{ fed: noise([1, 2, 5, 5]) }, noise([3, 2, 3, 3], 2), noise([3], 4)];
const floats = (...value: readonly number[]) => ({ type: "floats", value }) as const;

const fused: readonly DecomposeCase[] = [
  ...[
    { activation: "Relu" },
    { activation: "Tanh" },
    { activation: "Sigmoid" },
    { activation: "HardSwish" },
    { activation: "LeakyRelu", activation_params: floats(0.2) },
    { activation: "Clip", activation_params: floats(-1, 2) },
    { activation: "HardSigmoid", activation_params: floats(0.3, 0.4) },
  ].map((attributes) =>
    microsoft({
      operator: "FusedConv",
      name: attributes.activation,
      inputs: conv,
      attributes: { ...attributes, pads: [1, 1, 1, 1], strides: [2, 1] },
    }),
  ),
  microsoft({
    operator: "FusedConv",
    name: "a sum before the activation",
    inputs: [...conv, { fed: noise([1, 3, 3, 3], 6) }],
    attributes: { activation: "Relu" },
  }),
  microsoft({
    operator: "FusedGemm",
    name: "LeakyRelu",
    inputs: [{ fed: noise([2, 4]) }, noise([3, 4], 2), noise([3], 3)],
    attributes: { transB: 1, alpha: 0.5, activation: "LeakyRelu", activation_alpha: { type: "float", value: 0.3 } },
  }),
  microsoft({
    operator: "FusedMatMul",
    name: "both transposed, scaled",
    inputs: [{ fed: noise([2, 4, 3]) }, { fed: noise([2, 5, 4], 2) }],
    attributes: { transA: 1, transB: 1, alpha: 0.5 },
  }),
  microsoft({ operator: "Gelu", name: "exact", inputs: [{ fed: noise([3, 4]) }] }),
  microsoft({ operator: "BiasGelu", name: "exact", inputs: [{ fed: noise([3, 4]) }, noise([4], 2)] }),
  microsoft({ operator: "FastGelu", name: "no bias", inputs: [{ fed: noise([3, 4]) }] }),
  microsoft({ operator: "FastGelu", name: "bias", inputs: [{ fed: noise([3, 4]) }, noise([4], 2)] }),
  microsoft({ operator: "QuickGelu", name: "default", inputs: [{ fed: noise([3, 4]) }] }),
  microsoft({ operator: "QuickGelu", name: "alpha", inputs: [{ fed: noise([3, 4]) }], attributes: { alpha: 1.2 } }),
  microsoft({
    operator: "SkipLayerNormalization",
    name: "shift and bias, the sum used",
    inputs: [{ fed: noise([2, 3, 4]) }, { fed: noise([2, 3, 4], 2) }, noise([4], 3), noise([4], 4), noise([4], 5)],
    attributes: { epsilon: 1e-3 },
    outputs: 4,
  }),
  microsoft({
    operator: "GridSample",
    name: "bicubic",
    inputs: [{ fed: noise([1, 2, 5, 6]) }, { fed: noise([1, 3, 4, 2], 2) }],
    attributes: { mode: "bicubic", padding_mode: "border" },
  }),
];

const known: readonly DecomposeCase[] = [
  standard({ operator: "NonZero", name: "of a matrix", inputs: [float([2, 3], [0, 1, -2, 3, 0, 0])] }),
  standard({ operator: "NonZero", name: "of a scalar", inputs: [scalar("float32", 2)] }),
  standard({
    operator: "Compress",
    name: "columns, a short condition",
    inputs: [{ fed: noise([3, 4]) }, tensorOf("bool", [3], [1, 0, 1])],
    attributes: { axis: -1 },
  }),
  standard({
    operator: "Compress",
    name: "of all elements",
    inputs: [{ fed: noise([2, 3]) }, tensorOf("bool", [6], [0, 1, 1, 0, 0, 1])],
  }),
];

export const decomposeCases: readonly DecomposeCase[] = [
  ...convolutions,
  signedConvolution,
  channelsLast,
  ...products,
  ...binary,
  ...pools,
  ...functions,
  ...affine,
  ...fused,
  ...known,
];
