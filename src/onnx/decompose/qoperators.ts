/**
 * The QOperator format: every operand consists of integers, a scale and a zero point. Sources: ONNX's operator specification,
 * onnxruntime's docs/ContribOperators.md, and its kernels where neither specifies the behaviour.
 */

import type { DType } from "../../tensor.ts";
import type { Builder } from "../build.ts";
import type { Decomposable, Decompose } from "./rule.ts";
import { OnnxError, describe, floatOf, intOf, type Attributes } from "../graph.ts";
import { normaliseAxis, required, type Value } from "../value.ts";

const MICROSOFT = "com.microsoft";

/** A tensor with one element as a scalar, which applies per tensor. */
const squeezed = (op: Builder, v: Value): Value =>
  v.shape.length === 1 && v.shape[0] === 1 ? op.Reshape(v, op.ints([])) : v;

/** The dequantised value of inputs `at` (integers), `at + 1` (scale, which may be per index of `axis`) and `at + 2` (optional zero point). */
const real = ({ op, node, inputs }: Decomposable, at: number, axis = 0): Value => {
  const q = required(node, inputs, at);
  const scale = squeezed(op, required(node, inputs, at + 1));
  const zero = inputs[at + 2] && squeezed(op, inputs[at + 2]!);
  if (scale.shape.length > 1)
    throw new OnnxError(`a scale of shape [${scale.shape.join(", ")}] is not supported`, describe(node));
  const along = zero && scale.shape.length > zero.shape.length ? op.Expand(zero, op.ints(scale.shape)) : zero;
  return op.DequantizeLinear(q, scale, along, scale.shape.length === 0 ? {} : { axis });
};

/** `y` quantised by the scale and zero point at inputs `at` and `at + 1`; the type is that of the zero point, or `absent` without one. */
const levels = ({ op, node, inputs }: Decomposable, y: Value, at: number, absent: DType = "uint8"): Value => {
  const zero = inputs[at + 1] ?? op.constant(0, absent);
  return op.QuantizeLinear(y, squeezed(op, required(node, inputs, at)), squeezed(op, zero));
};

const typeOf = ({ node, inputs }: Decomposable, at: number): DType => required(node, inputs, at).dtype;

const pick = (attributes: Attributes, names: string): Attributes =>
  Object.fromEntries(names.split(" ").flatMap((name) => (attributes[name] ? [[name, attributes[name]]] : [])));

const WINDOW = "auto_pad ceil_mode count_include_pad dilations group kernel_shape pads strides";

/** Applies f in the channels-first layout, for an operator that may have a channels-last layout. */
const onChannelsSecond = ({ op, node }: Decomposable, x: Value, f: (x: Value) => Value): Value => {
  if (intOf(node, "channels_last", 0) === 0) return f(x);
  const rank = x.shape.length;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  const y = f(op.Transpose(x, { perm: [0, rank - 1, ...spatial] }));
  return op.Transpose(y, { perm: [0, ...spatial.map((i) => i + 1), 1] });
};

/** The bias at input `at`: integers whose scale is the product of the scales of both factors, per output channel or per tensor. */
const bias = ({ op, inputs }: Decomposable, at: number, scales: readonly [number, number], alpha = 1): Value | null => {
  const b = inputs[at];
  if (!b) return null;
  const [left, right] = scales.map((i) => squeezed(op, inputs[i]!)) as [Value, Value];
  const product = op.Mul(left, right);
  const unit = alpha === 1 ? product : op.Mul(product, op.constant(alpha));
  return op.DequantizeLinear(b, unit, null, unit.shape.length === 0 ? {} : { axis: -1 });
};

/** Inputs: x, w with one scale or one per output channel, y's scale and zero point, bias. */
const QLinearConv: Decompose = (context) => {
  const { op, node } = context;
  const attributes = pick(node.attributes, WINDOW);
  const y = onChannelsSecond(context, real(context, 0), (x) =>
    op.Conv(x, real(context, 3, 0), bias(context, 8, [1, 4]), attributes),
  );
  return [levels(context, y, 6)];
};

/** Inputs: a with one scale or one per row, b with one or one per column, y's scale and zero point. */
const QLinearMatMul: Decompose = (context) => {
  const y = context.op.MatMul(real(context, 0, -2), real(context, 3, -1));
  return [levels(context, y, 6)];
};

/** Inputs: a, b with one scale or one per column, int32 bias in units of alpha·both scales, y's scale and zero point. */
const QGemm: Decompose = (context) => {
  const { op, node, inputs } = context;
  const [transA, transB] = [intOf(node, "transA", 0), intOf(node, "transB", 0)];
  const alpha = floatOf(node, "alpha", 1);
  const y = op.Gemm(real(context, 0), real(context, 3, transB ? 0 : 1), bias(context, 6, [1, 4], alpha), {
    alpha,
    transA,
    transB,
  });
  return [inputs[7] ? levels(context, y, 7) : y];
};

const binary =
  (operator: "Add" | "Mul"): Decompose =>
  (context) => [levels(context, context.op[operator](real(context, 0), real(context, 3)), 6, typeOf(context, 0))];

/** Inputs: x, y's scale and zero point. */
const unary =
  (f: (context: Decomposable, x: Value) => Value): Decompose =>
  (context) => [levels(context, f(context, real(context, 0)), 3, typeOf(context, 0))];

/** Inputs: y's scale and zero point, then integers, scale and zero point of each part. */
const QLinearConcat: Decompose = (context) => {
  const { op, node, inputs } = context;
  const parts = inputs.flatMap((_, i) => (i % 3 === 2 ? [real(context, i)] : []));
  return [levels(context, op.Concat(...parts, { axis: intOf(node, "axis", 0) }), 0, typeOf(context, 2))];
};

/** Inputs: condition, x, y, z's scale and zero point. */
const QLinearWhere: Decompose = (context) => {
  const condition = required(context.node, context.inputs, 0);
  return [levels(context, context.op.Where(condition, real(context, 1), real(context, 4)), 7, typeOf(context, 1))];
};

/** The attribute `opset` selects the definition of Softmax: before opset 13 all axes from `axis` on are flattened. */
const softmax = ({ op, node }: Decomposable, x: Value): Value => {
  const axis = normaliseAxis(node, intOf(node, "axis", -1), x.shape.length);
  if (intOf(node, "opset", 13) >= 13 || axis === x.shape.length - 1) return op.Softmax(x, { axis });
  return op.Reshape(op.Softmax(op.Flatten(x, { axis }), { axis: 1 }), op.ints(x.shape));
};

/** y = a·b + bias; b with one scale or one per column. `a` is dequantised already. */
const product = ({ op, inputs }: Decomposable, a: Value, b: Value, biasAt: number): readonly [Value] => {
  const y = op.MatMul(a, b);
  const c = inputs[biasAt];
  return [c ? op.Add(y, c) : y];
};

/** As `real`, for inputs that are not adjacent. */
const realAt = (context: Decomposable, at: readonly [q: number, scale: number, zero: number]): Value =>
  real({ ...context, inputs: at.map((i) => context.inputs[i] ?? null) }, 0, -1);

/** Inputs: a, b, their scales, their zero points, bias. */
const MatMulIntegerToFloat: Decompose = (context) =>
  product(context, realAt(context, [0, 2, 4]), realAt(context, [1, 3, 5]), 6);

/** Inputs: a (float, quantised by its own range), b, its scale and zero point, bias. */
const DynamicQuantizeMatMul: Decompose = (context) => {
  const { op, node, inputs } = context;
  const [q, scale, zero] = op.append("DynamicQuantizeLinear", [required(node, inputs, 0)], {}, 3);
  return product(context, op.DequantizeLinear(q, scale, zero), real(context, 1, -1), 4);
};

/** onnxruntime's QuantizeLinear and DequantizeLinear as the standard operators of opset 13. */
const linear =
  (operator: "QuantizeLinear" | "DequantizeLinear"): Decompose =>
  ({ op, node, inputs }) => [op[operator](...inputs, pick(node.attributes, "axis"))];

const pooled = (operator: "AveragePool" | "GlobalAveragePool"): Decompose =>
  unary((context, x) =>
    onChannelsSecond(context, x, (v) => context.op[operator](v, pick(context.node.attributes, WINDOW))),
  );

const own: Readonly<Record<string, Decompose>> = {
  QLinearConv,
  QLinearAdd: binary("Add"),
  QLinearMul: binary("Mul"),
  QLinearConcat,
  QLinearWhere,
  QLinearAveragePool: pooled("AveragePool"),
  QLinearGlobalAveragePool: pooled("GlobalAveragePool"),
  QLinearLeakyRelu: unary(({ op, node }, x) => op.LeakyRelu(x, { alpha: floatOf(node, "alpha", 0.01) })),
  QLinearSigmoid: unary(({ op }, x) => op.Sigmoid(x)),
  QLinearSoftmax: unary(softmax),
  QGemm,
  MatMulIntegerToFloat,
  DynamicQuantizeMatMul,
  QuantizeLinear: linear("QuantizeLinear"),
  DequantizeLinear: linear("DequantizeLinear"),
};

export const qoperators: Readonly<Record<string, Decompose>> = {
  QLinearConv,
  QLinearMatMul,
  ...Object.fromEntries(Object.entries(own).map(([name, f]) => [`${MICROSOFT}.${name}`, f])),
};
