/** Pooling and unpooling. */

import type { Builder } from "../../onnx/build.ts";

import { intOf, intsOf, type Node } from "../../onnx/graph.ts";
import { windowOf, type Window } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { filled, sizeOf, tensorOf } from "../../tensor.ts";
import { unsupportedForm, type Vjp, type VjpRule } from "../rule.ts";
import { slideBack } from "./conv.ts";

const poolWindow = (node: Node, x: Value): Window => windowOf(node, x.shape.slice(2), intsOf(node, "kernel_shape", []));

const flat = (op: Builder, v: Value): Value => op.Reshape(v, op.ints([sizeOf(v.shape)]));

/**
 * y = max over the window; dx adds dy at the position of the (first) maximum. Windows that do not overlap write each position at
 * most once, which is max-unpooling; overlapping windows scatter and add. If the node has no output Indices, the pooling is
 * repeated with it.
 */
export const MaxPool: VjpRule = [
  (dy, { op, node, inputs, outputs }, x) => {
    if (intOf(node, "storage_order", 0) !== 0) unsupportedForm(node, "storage_order 1");
    const indices = outputs[1] ?? op.appendNode("MaxPool", inputs, node.attributes, 2)[1]!;
    const { kernel, strides, dilations } = poolWindow(node, x);
    const apart = kernel.every((k, i) => (k - 1) * dilations[i]! + 1 <= strides[i]!);
    // MaxUnpool takes its size from output_shape; with a kernel of ones onnxruntime's check of that shape passes.
    const ones = kernel.map(() => 1);
    if (apart) return op.MaxUnpool(dy, indices, op.ints(x.shape), { kernel_shape: ones, strides: ones });
    const zeros = op.Expand(op.constant(0, dy.dtype), op.ints([sizeOf(x.shape)]));
    const dx = op.ScatterElements(zeros, flat(op, indices), flat(op, dy), { axis: 0, reduction: "add" });
    return op.Reshape(dx, op.ints(x.shape));
  },
];

/**
 * y[indices] = x, zero elsewhere; dx = dy[indices]. If several inputs share a position (after overlapping pooling), y holds one of
 * them, but all of them receive the gradient. This is PyTorch's convention, kept so that results are comparable.
 */
export const MaxUnpool: VjpRule = [
  (dy, { op }, x, indices) =>
    op.Reshape(op.GatherElements(flat(op, dy), flat(op, indices), { axis: 0 }), op.ints(x.shape)),
  null,
  null,
];

/** The number of elements over which each window averages along one axis: with or without the padding. */
const divisors = (
  size: number,
  out: number,
  window: Window,
  axis: number,
  includePad: boolean,
  endPad: number,
): number[] => {
  const { kernel, strides, dilations, pads } = window;
  const [low, high] = includePad ? [-pads[axis]!, size + endPad] : [0, size];
  return Array.from({ length: out }, (_, o) => {
    const start = o * strides[axis]! - pads[axis]!;
    return Array.from({ length: kernel[axis]! }, (__, k) => start + k * dilations[axis]!).filter(
      (p) => p >= low && p < high,
    ).length;
  });
};

/** For each element, Σ over the windows that contain it: a transposed convolution with a kernel of ones, per channel. */
const sumOfWindows = (op: Builder, dy: Value, x: Value, window: Window): Value => {
  const planes = x.shape[0]! * x.shape[1]!;
  const ones = op.tensor(filled(dy.dtype, [1, 1, ...window.kernel], 1), "ones");
  const flattened = op.Reshape(dy, op.ints([planes, 1, ...dy.shape.slice(2)]));
  return op.Reshape(slideBack(op, flattened, ones, x.shape.slice(2), window, 1), op.ints(x.shape));
};

/** y = the mean of the window; dx = Σ dy ÷ (number of elements) over the windows that contain the element. */
const averagePool: Vjp = (dy, { op, node }, x) => {
  const window = poolWindow(node, x);
  const spatial = x.shape.slice(2);
  const out = dy.shape.slice(2);
  const includePad = intOf(node, "count_include_pad", 0) === 1;
  let share = dy;
  for (const [axis, size] of spatial.entries()) {
    const count = divisors(size, out[axis]!, window, axis, includePad, window.pads[axis + spatial.length]!);
    const shape = dy.shape.map((d, i) => (i === axis + 2 ? d : 1));
    share = op.Mul(
      share,
      op.tensor(
        tensorOf(
          "float32",
          shape,
          count.map((c) => 1 / Math.max(c, 1)),
        ),
      ),
    );
  }
  return sumOfWindows(op, share, x, window);
};
export const AveragePool: VjpRule = [averagePool];

/** y = the mean of each channel; dx = dy ÷ (number of pixels). */
export const GlobalAveragePool: VjpRule = [
  (dy, { op }, x) => op.Expand(op.Mul(dy, op.constant(1 / sizeOf(x.shape.slice(2)), dy.dtype)), op.ints(x.shape)),
];

/** y = the maximum of each channel; dx = dy divided equally among the pixels that attain it. */
export const GlobalMaxPool: VjpRule = [
  (dy, { op, y }, x) => {
    const attained = op.cast(op.Equal(x, y), dy.dtype);
    const axes = op.ints(x.shape.slice(2).map((_, i) => i + 2));
    return op.Mul(op.Div(dy, op.ReduceSum(attained, axes, { keepdims: 1 })), attained);
  },
];

/** y = ᵖ√Σ |x|ᵖ; dx = v·sign x·|x|ᵖ⁻¹ with v = dy·y¹⁻ᵖ, which `spread` broadcasts to the elements of each sum; v = 0 where y = 0. */
const normBack = (op: Builder, p: number, dy: Value, x: Value, y: Value, spread: (v: Value) => Value): Value => {
  const c = (value: number) => op.constant(value, dy.dtype);
  if (p === 1) return op.Mul(spread(dy), op.Sign(x));
  const power = (v: Value, exponent: number) => (exponent === 1 ? v : op.Pow(v, c(exponent)));
  const scaled = op.Where(op.Greater(y, c(0)), op.Div(dy, power(y, p - 1)), c(0));
  return op.Mul(spread(scaled), p === 2 ? x : op.Mul(op.Sign(x), power(op.Abs(x), p - 1)));
};

/** y = the p-norm of each window. */
export const LpPool: VjpRule = [
  (dy, { op, node, y }, x) =>
    normBack(op, intOf(node, "p", 2), dy, x, y, (v) => sumOfWindows(op, v, x, poolWindow(node, x))),
];

/** y = the p-norm of each channel. */
export const GlobalLpPool: VjpRule = [
  (dy, { op, node, y }, x) => normBack(op, intOf(node, "p", 2), dy, x, y, (v) => v),
];
