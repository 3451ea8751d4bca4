/** Quantisation there and back. Its gradient is no derivative: each case brings the closed form. */

import type { Builder } from "../../../src/onnx/build.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { numbersOf, tensorOf } from "../../../src/tensor.ts";
import { about, fixed, floats, weights, x, type Case, type Surrogate } from "./case.ts";

interface Quantization {
  readonly dtype: "uint8" | "int8";
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  /** Elements that share a scale, for one per channel. */
  readonly inner?: number;
}

const levels = { uint8: [0, 255], int8: [-128, 127] } as const;

/** Straight-through: the identity where x/s + z lies in the type's range, widened by the rounding's half step, else 0. */
const straightThrough =
  ({ dtype, scale, zero, inner = 1 }: Quantization): Surrogate =>
  (feeds, _, cotangent) => {
    const [low, high] = levels[dtype];
    const dx = numbersOf(feeds["x"]!).map((v, i) => {
      const channel = Math.floor(i / inner) % scale.length;
      const level = v / Math.fround(scale[channel]!) + zero[channel % zero.length]!;
      return level >= low - 0.5 && level <= high + 0.5 ? cotangent[i]! : 0;
    });
    return { x: dx };
  };

const parameters = (op: Builder, { dtype, scale, zero }: Quantization): [Value, Value] => {
  const shape = scale.length === 1 ? [] : [scale.length];
  return [floats(op, shape, scale), op.tensor(tensorOf(dtype, shape, zero))];
};

const roundTrip = (operator: string, name: string, shape: readonly number[], q: Quantization, axis?: number): Case =>
  about(
    operator,
    name,
    [x(shape)],
    (op, v) => {
      const [scale, zero] = parameters(op, q);
      return op.DequantizeLinear(op.QuantizeLinear(v, scale, zero, { axis }), scale, zero, { axis });
    },
    { surrogate: straightThrough(q) },
  );

const trips = ["QuantizeLinear", "DequantizeLinear"].flatMap((operator) => [
  roundTrip(operator, "u8, some saturate", [2, 3, 4], { dtype: "uint8", scale: [0.008], zero: [128] }),
  roundTrip(operator, "u8, a small zero point", [2, 3, 4], { dtype: "uint8", scale: [0.01], zero: [3] }),
  roundTrip(operator, "s8, some saturate", [2, 3, 4], { dtype: "int8", scale: [0.009], zero: [0] }),
  roundTrip(
    operator,
    "s8 per channel",
    [2, 3, 4],
    { dtype: "int8", scale: [0.005, 0.01, 0.02], zero: [0, 5, -7], inner: 4 },
    1,
  ),
  roundTrip(
    operator,
    "u8 per channel, axis from the back",
    [4, 3],
    { dtype: "uint8", scale: [0.01, 0.004, 0.02], zero: [100, 128, 9] },
    -1,
  ),
]);

export const quantizeCases: readonly Case[] = [
  ...trips,
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
];
