/** Quantisation per tensor, per axis and per block; products of integers. */

import { intOf, type Node } from "../../../src/onnx/graph.ts";
import type { DType } from "../../../src/tensor.ts";
import { convolution } from "./conv.ts";
import { roundHalfToEven } from "./elementwise.ts";
import { at, axisOf, define, type Kernel, type Nd } from "./nd.ts";
import { reducing } from "./reduce.ts";

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
  const axis = axisOf(intOf(node, "axis", 1), index.length);
  const block = intOf(node, "block_size", 0);
  if (block === 0) return p.data[index[axis]!]!;
  return at(
    p,
    index.map((v, i) => (i === axis ? Math.floor(v / block) : v)),
  );
};

/** Element types of `output_dtype`, by ONNX's numbers. */
const outputTypes: Readonly<Record<number, DType>> = { 2: "uint8", 3: "int8", 4: "uint16", 5: "int16" };

/** q = saturate(round_half_to_even(x / scale) + zero_point). */
const QuantizeLinear: Kernel = (node, x, scale, zero?: Nd) => {
  const dtype = zero?.dtype ?? outputTypes[intOf(node, "output_dtype", 2)]!;
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

/** The range of x, stretched to hold zero, spread over 0..255; zero is one of the levels. */
const DynamicQuantizeLinear: Kernel = (_, x) => {
  const [low, high] = [Math.min(0, ...x.data), Math.max(0, ...x.data)];
  const scale = high === low ? 1 : (high - low) / 255;
  const zero = Math.min(255, Math.max(0, roundHalfToEven(-low / scale)));
  const level = (v: number) => Math.min(255, Math.max(0, roundHalfToEven(v / scale) + zero));
  return [
    define("uint8", x.shape, (index) => level(at(x, index))),
    define(x.dtype, [], () => scale),
    define("uint8", [], () => zero),
  ];
};

/** The integers less their zero point: one, or one per index of `axis`. */
const centred = (q: Nd, zero: Nd | undefined, axis: number): Nd =>
  define("int32", q.shape, (index) => {
    if (!zero) return at(q, index);
    return at(q, index) - zero.data[zero.data.length === 1 ? 0 : index[axisOf(axis, index.length)]!]!;
  });

const ConvInteger: Kernel = (node, x, w, xZero?: Nd, wZero?: Nd) =>
  convolution["Conv"]!(node, centred(x, xZero, 0), centred(w, wZero, 0));

const MatMulInteger: Kernel = (node, a, b, aZero?: Nd, bZero?: Nd) =>
  reducing["MatMul"]!(node, centred(a, aZero, -2), centred(b, bZero, -1));

export const quantization: Readonly<Record<string, Kernel>> = {
  QuantizeLinear,
  DequantizeLinear,
  DynamicQuantizeLinear,
  ConvInteger,
  MatMulInteger,
};
