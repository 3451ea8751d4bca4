/** int8 networks as onnxruntime.quantization writes them: with QuantizeLinear and DequantizeLinear, and as QOperators. */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  concat,
  dimension,
  globalAveragePool,
  maxPool,
  mul,
  relu,
  reshape,
  resizeBy,
  sigmoid,
  transpose,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

interface Affine {
  readonly scale: number;
  readonly zero: number;
  readonly dtype: "uint8" | "int8";
}

/** Of activations: scales at which a few of them saturate. */
const signed: Affine = { scale: 0.0217, zero: 3, dtype: "int8" };
const unsigned: Affine = { scale: 0.0211, zero: 121, dtype: "uint8" };
/** Behind a ReLU. */
const positive: Affine = { scale: 0.0123, zero: 0, dtype: "uint8" };
/** Behind a sigmoid. */
const unit: Affine = { scale: 1 / 256, zero: 0, dtype: "uint8" };

const parameters = (e: Exporter, { scale, zero, dtype }: Affine): readonly [scale: Name, zero: Name] => [
  e.parameter(tensorOf("float32", [], [scale])),
  e.parameter(tensorOf(dtype, [], [zero])),
];

type Shape = readonly [from: number, to: number, kernel: number];

const window = (kernel: number, stride: number) => {
  const pad = Math.floor(kernel / 2);
  return { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
};

/** int8 weights with a scale per output channel, int32 biases in units of input times weight. */
const integers = (e: Exporter, [from, to, kernel]: Shape, input: number) => {
  const shape = [to, from, kernel, kernel];
  const levels = e.draw(shape).map((v) => Math.max(-127, Math.min(127, Math.round(40 * v))));
  const scales = Array.from({ length: to }, (_, i) => (0.03 + 0.004 * i) / Math.sqrt(from * kernel * kernel));
  const units = scales.map((s) => s * input);
  const biases = e.draw([to]).map((v, i) => Math.round((0.1 * v) / units[i]!));
  return {
    weight: e.parameter(tensorOf("int8", shape, levels)),
    scale: e.parameter(tensorOf("float32", [to], scales)),
    zero: e.parameter(tensorOf("int8", [to], Array<number>(to).fill(0))),
    bias: e.parameter(tensorOf("int32", [to], biases)),
    unit: e.parameter(tensorOf("float32", [to], units)),
    biasZero: e.parameter(tensorOf("int32", [to], Array<number>(to).fill(0))),
  };
};

/** To integers and back. */
const pair = (e: Exporter, x: Name, affine: Affine): Name => {
  const given = parameters(e, affine);
  return e.node("DequantizeLinear", [e.node("QuantizeLinear", [x, ...given]), ...given]);
};

/** A float convolution between pairs; `input` is what `x` was quantised by. */
const pairedConv = (e: Exporter, x: Name, shape: Shape, input: Affine, stride = 1): Name => {
  const p = integers(e, shape, input.scale);
  const weight = e.node("DequantizeLinear", [p.weight, p.scale, p.zero], { axis: 0 });
  const bias = e.node("DequantizeLinear", [p.bias, p.unit, p.biasZero], { axis: 0 });
  return e.node("Conv", [x, weight, bias], window(shape[2], stride));
};

/** A residual block, a gated coarse branch, a skip: every tensor between two operators is integers. */
const paired = (e: Exporter, image: Name): Name => {
  const convRelu = (x: Name, shape: Shape, input: Affine, stride = 1) =>
    pair(e, relu(e, pairedConv(e, x, shape, input, stride)), positive);
  const x = pair(e, image, signed);
  const s1 = convRelu(x, [3, 4, 3], signed, 2);
  const inner = pair(e, pairedConv(e, convRelu(s1, [4, 4, 3], positive), [4, 4, 3], positive), unsigned);
  // The ReLU behind the sum is the saturation of what follows it.
  const s2 = pair(e, add(e, inner, s1), positive);
  const coarse = convRelu(pair(e, maxPool(e, s2, 2), positive), [4, 4, 3], positive);
  const squeezed = pairedConv(e, pair(e, globalAveragePool(e, coarse), positive), [4, 4, 1], positive);
  const gated = pair(e, mul(e, coarse, pair(e, sigmoid(e, pair(e, squeezed, unsigned)), unit)), positive);
  const merged = pair(e, concat(e, [pair(e, resizeBy(e, gated, 2), positive), s2]), positive);
  const logits = pair(e, pairedConv(e, merged, [8, CLASSES, 1], positive), unsigned);
  return resizeBy(e, logits, 2, "bilinear");
};

const MICROSOFT = "com.microsoft";

/** The same network on integers throughout. */
const qOperators = (e: Exporter, image: Name): Name => {
  const own = (op: string, inputs: readonly Name[], attributes = {}) =>
    e.nodes(op, inputs, attributes, 1, MICROSOFT)[0]!;
  const qConv = (x: Name, shape: Shape, input: Affine, output: Affine, stride = 1) => {
    const p = integers(e, shape, input.scale);
    const given = [x, ...parameters(e, input), p.weight, p.scale, p.zero, ...parameters(e, output), p.bias];
    return e.node("QLinearConv", given, window(shape[2], stride));
  };
  const x = e.node("QuantizeLinear", [image, ...parameters(e, unsigned)]);
  const s1 = qConv(x, [3, 4, 3], unsigned, positive, 2);
  const inner = qConv(qConv(s1, [4, 4, 3], positive, positive), [4, 4, 3], positive, unsigned);
  const terms = [inner, ...parameters(e, unsigned), s1, ...parameters(e, positive)];
  const s2 = own("QLinearAdd", [...terms, ...parameters(e, positive)]);
  const coarse = qConv(maxPool(e, s2, 2), [4, 4, 3], positive, positive);
  const pooled = own("QLinearGlobalAveragePool", [coarse, ...parameters(e, positive), ...parameters(e, positive)]);
  const squeezed = qConv(pooled, [4, 4, 1], positive, unsigned);
  const gate = own("QLinearSigmoid", [squeezed, ...parameters(e, unsigned), ...parameters(e, unit)]);
  const factors = [coarse, ...parameters(e, positive), gate, ...parameters(e, unit)];
  const gated = own("QLinearMul", [...factors, ...parameters(e, positive)]);
  const parts = [resizeBy(e, gated, 2), s2].flatMap((v) => [v, ...parameters(e, positive)]);
  const merged = own("QLinearConcat", [...parameters(e, positive), ...parts], { axis: 1 });
  const logits = qConv(merged, [8, CLASSES, 1], positive, unsigned);
  return resizeBy(e, e.node("DequantizeLinear", [logits, ...parameters(e, unsigned)]), 2, "bilinear");
};

/** quantize_dynamic: activations by their own range in each run, products of integers. */
const dynamic = (e: Exporter, image: Name): Name => {
  const qConv = (x: Name, shape: Shape, stride = 1) => {
    const p = integers(e, shape, 1);
    const scale = e.parameter(tensorOf("float32", [1], [0.04 / Math.sqrt(shape[0] * shape[2] * shape[2])]));
    const zero = e.parameter(tensorOf("int8", [], [0]));
    const [q, xScale, xZero] = e.nodes("DynamicQuantizeLinear", [x], {}, 3);
    const y = e.node("ConvInteger", [q!, p.weight, xZero!, zero], window(shape[2], stride));
    const product = mul(e, e.node("Cast", [y], { to: 1 }), mul(e, xScale!, scale));
    return add(e, product, e.weight([1, shape[1], 1, 1], 0.1));
  };
  const features = relu(e, qConv(relu(e, qConv(image, [3, 4, 3], 2)), [4, 4, 3]));
  return resizeBy(e, qConv(features, [4, CLASSES, 1]), 2, "bilinear");
};

/** Tokens of signed integers, the default of onnxruntime.quantization: a transformer's reshapes between the pairs. */
const tokens = (e: Exporter, image: Name): Name => {
  const linear = (x: Name, from: number, to: number) => {
    const p = integers(e, [from, to, 1], signed.scale);
    const weight = e.node("DequantizeLinear", [p.weight, p.scale, p.zero], { axis: 0 });
    return e.node("MatMul", [x, transpose(e, reshape(e, weight, to, from), 1, 0)]);
  };
  const x = pair(e, image, signed);
  const map = pair(e, pairedConv(e, x, [3, 4, 3], signed, 2), signed);
  const flat = pair(e, transpose(e, reshape(e, map, dimension(e, map, 0), 4, -1), 0, 2, 1), signed);
  const query = pair(e, linear(flat, 4, 4), signed);
  const scores = pair(e, e.node("MatMul", [query, transpose(e, flat, 0, 2, 1)]), signed);
  const read = e.node("MatMul", [pair(e, e.node("Softmax", [scores], { axis: -1 }), unit), flat]);
  const logits = transpose(e, pair(e, linear(pair(e, add(e, read, flat), signed), 4, CLASSES), signed), 0, 2, 1);
  const planes = reshape(e, logits, dimension(e, map, 0), CLASSES, dimension(e, map, 2), dimension(e, map, 3));
  return resizeBy(e, planes, 2, "bilinear");
};

export const quantized: readonly Miniature[] = [
  miniature("int8, QuantizeLinear and DequantizeLinear", paired, { opset: 13 }),
  miniature("int8, QOperators", qOperators, { opset: 13 }),
  miniature("int8, signed tokens", tokens, { opset: 13 }),
  miniature("int8, quantised as it runs", dynamic, { opset: 11 }),
];
