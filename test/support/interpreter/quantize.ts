/** QuantizeLinear and DequantizeLinear, per tensor and per axis. */

import { intOf, type Node } from "../../../src/onnx/graph.ts";
import { roundHalfToEven } from "./elementwise.ts";
import { at, axisOf, define, type Kernel, type Nd } from "./nd.ts";

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** Scale or zero point that applies at an index. */
const parameter = (node: Node, p: Nd | undefined, index: readonly number[], absent: number): number => {
  if (!p) return absent;
  if (p.data.length === 1) return p.data[0]!;
  return p.data[index[axisOf(intOf(node, "axis", 1), index.length)]!]!;
};

/** q = saturate(round_half_to_even(x / scale) + zero_point). */
const QuantizeLinear: Kernel = (node, x, scale, zero?: Nd) => {
  const dtype = zero?.dtype ?? "uint8";
  const [low, high] = ranges[dtype]!;
  return [
    define(dtype, x.shape, (index) => {
      const q = roundHalfToEven(at(x, index) / parameter(node, scale, index, 1)) + parameter(node, zero, index, 0);
      return Math.min(high, Math.max(low, q));
    }),
  ];
};

/** x = (q − zero_point)·scale. */
const DequantizeLinear: Kernel = (node, q, scale, zero?: Nd) => [
  define(
    scale.dtype,
    q.shape,
    (index) => (at(q, index) - parameter(node, zero, index, 0)) * parameter(node, scale, index, 1),
  ),
];

export const quantization: Readonly<Record<string, Kernel>> = { QuantizeLinear, DequantizeLinear };
