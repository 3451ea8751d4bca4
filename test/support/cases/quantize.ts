/** Quantisation there and back. Its gradient is no derivative: each case brings the closed form. */

import type { Builder } from "../../../src/onnx/build.ts";
import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { numbersOf, tensorOf } from "../../../src/tensor.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { codeOf } from "../../../src/onnx/tensor-proto.ts";
import { about, fixed, floats, weights, x, type Case, type Surrogate } from "./case.ts";
import { integerCases } from "./integer.ts";
import { passing } from "./straight-through.ts";

interface Quantization {
  readonly dtype: keyof typeof levels;
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  /** Elements that share a scale, for one per channel. */
  readonly inner?: number;
  /** Shape of scale and zero point, by default that of a list. */
  readonly shape?: readonly number[];
  /** Which scale applies to element i, by default that of its channel. */
  readonly scaleAt?: (i: number) => number;
}

const levels = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
} as const;

/** Straight-through: the identity where x/s + z does not count as saturated, else 0. */
const straightThrough =
  ({ dtype, scale, zero, inner = 1, scaleAt }: Quantization): Surrogate =>
  (feeds, _, cotangent) => {
    const [from, to] = passing(levels[dtype], zero);
    const dx = numbersOf(feeds["x"]!).map((v, i) => {
      const channel = scaleAt?.(i) ?? Math.floor(i / inner) % scale.length;
      const level = v / Math.fround(scale[channel]!) + zero[channel % zero.length]!;
      return level >= from && level <= to ? cotangent[i]! : 0;
    });
    return { x: dx };
  };

const parameters = (
  op: Builder,
  { dtype, scale, zero, shape = scale.length === 1 ? [] : [scale.length] }: Quantization,
) => {
  return [floats(op, shape, scale), op.tensor(tensorOf(dtype, shape, zero))];
};

const roundTrip = (
  operator: string,
  name: string,
  shape: readonly number[],
  q: Quantization,
  attributes: PlainAttributes = {},
): Case =>
  about(
    operator,
    name,
    [x(shape)],
    (op, v) => {
      const [scale, zero] = parameters(op, q);
      return op.DequantizeLinear(op.QuantizeLinear(v, scale, zero, attributes), scale, zero, attributes);
    },
    { surrogate: straightThrough(q) },
  );

/** In steps of 0.01, around the ends: codes at an end, those beside it, and what rounds to an end that is the zero point. */
const aroundTheEnds: readonly Case[] = [
  { dtype: "int8", zero: 0, of: [-1.283, -1.277, -1.273, 1.262, 1.268, 1.277, 0.5] },
  { dtype: "uint8", zero: 0, of: [-0.006, -0.004, 0, 0.004, 2.544, 2.546, 3] },
  { dtype: "uint8", zero: 255, of: [0.006, 0.004, 0, -0.004, -2.544, -2.546, -3] },
  { dtype: "uint16", zero: 0, of: [-0.006, -0.004, 0.004, 655.344, 655.347] },
].map(({ dtype, zero, of }) => {
  const q = { dtype: dtype as Quantization["dtype"], scale: [0.01], zero: [zero] };
  const build = (op: Builder, v: Value): Value => {
    const [scale, zeroPoint] = parameters(op, q);
    return op.DequantizeLinear(op.QuantizeLinear(v, scale, zeroPoint), scale, zeroPoint);
  };
  const name = `${dtype}, zero point ${zero}, around both ends`;
  return about("QuantizeLinear", name, [x([of.length], { of })], build, { surrogate: straightThrough(q) });
});

const trips = ["QuantizeLinear", "DequantizeLinear"].flatMap((operator) => [
  roundTrip(operator, "u8, some saturate", [2, 3, 4], { dtype: "uint8", scale: [0.008], zero: [128] }),
  roundTrip(operator, "u8, a small zero point", [2, 3, 4], { dtype: "uint8", scale: [0.01], zero: [3] }),
  roundTrip(operator, "s8, some saturate", [2, 3, 4], { dtype: "int8", scale: [0.009], zero: [0] }),
  roundTrip(
    operator,
    "s8 per channel",
    [2, 3, 4],
    { dtype: "int8", scale: [0.005, 0.01, 0.02], zero: [0, 5, -7], inner: 4 },
    { axis: 1 },
  ),
  roundTrip(
    operator,
    "u8 per channel, axis from the back",
    [4, 3],
    { dtype: "uint8", scale: [0.01, 0.004, 0.02], zero: [100, 128, 9] },
    { axis: -1 },
  ),
  roundTrip(operator, "u16, some saturate", [2, 3, 4], { dtype: "uint16", scale: [0.00003], zero: [32_000] }),
  roundTrip(operator, "s16, some saturate", [2, 3, 4], { dtype: "int16", scale: [0.00004], zero: [-7] }),
  roundTrip(
    operator,
    "s16 per channel, the first axis",
    [2, 6],
    { dtype: "int16", scale: [0.00002, 0.001], zero: [0, 0], inner: 6 },
    { axis: 0 },
  ),
  roundTrip(
    operator,
    "s8 per block of 2, the middle axis",
    [2, 4, 3],
    {
      dtype: "int8",
      shape: [2, 2, 3],
      scale: [0.01, 0.02, 0.004, 0.003, 0.02, 0.01, 0.01, 0.006, 0.02, 0.03, 0.01, 0.02],
      zero: [0, 3, -4, 0, 100, 7, 0, -100, 5, 1, 2, 3],
      scaleAt: (i) => Math.floor(i / 12) * 6 + (Math.floor(i / 6) % 2) * 3 + (i % 3),
    },
    { axis: 1, block_size: 2 },
  ),
  roundTrip(
    operator,
    "u8 per block of 3, the last block short",
    [2, 5],
    {
      dtype: "uint8",
      shape: [2, 2],
      scale: [0.01, 0.003, 0.02, 0.005],
      zero: [128, 100, 3, 200],
      scaleAt: (i) => Math.floor(i / 5) * 2 + Math.floor((i % 5) / 3),
    },
    { axis: -1, block_size: 3 },
  ),
]);

export const quantizeCases: readonly Case[] = [
  ...trips,
  ...aroundTheEnds,
  about(
    "QuantizeLinear",
    "halves to even, no zero point",
    [fixed([6], { of: [0.5, 1.5, 2.5, 254.5, 300, -3] })],
    (op, v) => op.QuantizeLinear(v, op.constant(1)),
  ),
  about("QuantizeLinear", "s8 saturates on both sides", [fixed([4], { of: [-200, -128.4, 126.5, 200] })], (op, v) =>
    op.QuantizeLinear(v, op.constant(1), op.tensor(tensorOf("int8", [], [0]))),
  ),
  about(
    "QuantizeLinear",
    "scale and zero point of one element, no zero point on the way back",
    [x([2, 3, 4])],
    (op, v) => {
      const scale = floats(op, [1], [0.01]);
      const q = op.QuantizeLinear(v, scale, op.tensor(tensorOf("int8", [1], [0])));
      return op.DequantizeLinear(q, scale);
    },
    { surrogate: straightThrough({ dtype: "int8", scale: [0.01], zero: [0] }) },
  ),
  about("DequantizeLinear", "weights per channel before a convolution", [x([1, 2, 4, 4])], (op, v) => {
    const q = op.tensor(tensorOf("int8", [3, 2, 1, 1], [-128, 3, 40, 127, -5, 60]));
    const w = op.DequantizeLinear(q, floats(op, [3], [0.01, 0.02, 0.03]), null, { axis: 0 });
    return op.Conv(v, w, weights(op, [3]));
  }),
  about("DequantizeLinear", "weights per channel, axis from the back", [x([1, 2, 4, 4])], (op, v) => {
    const q = op.tensor(tensorOf("int8", [3, 2, 1, 1], [-128, 3, 40, 127, -5, 60]));
    const zero = op.tensor(tensorOf("int8", [3], [1, -2, 3]));
    return op.Conv(v, op.DequantizeLinear(q, floats(op, [3], [0.01, 0.02, 0.03]), zero, { axis: -4 }));
  }),
  about("DequantizeLinear", "weights per block before a convolution", [x([1, 4, 4, 4])], (op, v) => {
    const q = op.tensor(tensorOf("int8", [2, 4, 1, 2], [-128, 3, 40, 127, -5, 60, 7, 8, 1, 99, -3, -40, 5, 6, -7, 80]));
    const scale = floats(op, [2, 2, 1, 2], [0.01, 0.02, 0.03, 0.01, 0.04, 0.02, 0.01, 0.05]);
    return op.Conv(v, op.DequantizeLinear(q, scale, null, { axis: 1, block_size: 2 }));
  }),
  about("DequantizeLinear", "weights per block before a product", [x([3, 4])], (op, v) => {
    const q = op.tensor(tensorOf("int8", [4, 2], [-128, 3, 40, 127, -5, 60, 7, 8]));
    const attributes = { axis: 0, block_size: 2 };
    return op.MatMul(v, op.DequantizeLinear(q, floats(op, [2, 2], [0.01, 0.02, 0.03, 0.01]), null, attributes));
  }),
  about("QuantizeLinear", "the type by output_dtype", [fixed([4], { of: [-200, -128.4, 126.5, 200] })], (op, v) =>
    op.QuantizeLinear(v, op.constant(1), { output_dtype: codeOf("int8") }),
  ),
  ...integerCases,
];
