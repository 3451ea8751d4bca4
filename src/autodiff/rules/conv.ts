/** Convolutions. The gradient by the input is again a convolution. */

import type { Builder } from "../../onnx/build.ts";
import { intOf } from "../../onnx/graph.ts";
import { convTransposeWindow, windowOf, type Window } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { sameShape } from "../../tensor.ts";
import type { Vjp, VjpRule } from "../rule.ts";
import { subpixelBack } from "./subpixel.ts";
import { constantWeights, fixedWeights, flipped } from "./weights.ts";

/**
 * The adjoint of a convolution with weights `w` over an input of size `spatial`, as a ConvTranspose. Its end padding (or its output
 * padding, if the convolution left the last rows unused) is chosen such that the output has exactly that size.
 */
export const slideBack = (
  op: Builder,
  dy: Value,
  w: Value,
  spatial: readonly number[],
  window: Window,
  group: number,
): Value => {
  const { strides, dilations, kernel, pads } = window;
  const surplus = spatial.map((size, i) => {
    const full = strides[i]! * (dy.shape[i + 2]! - 1) + (kernel[i]! - 1) * dilations[i]! + 1;
    return full - pads[i]! - size;
  });
  return op.ConvTranspose(dy, w, {
    strides,
    dilations,
    group,
    pads: [...pads.slice(0, spatial.length), ...surplus.map((s) => Math.max(s, 0))],
    output_padding: surplus.map((s) => Math.max(-s, 0)),
  });
};

/** With stride 1, the adjoint is the convolution with the reversed kernel, which is faster than ConvTranspose in WASM. */
const convolveBack = (op: Builder, dy: Value, x: Value, w: Value, window: Window, group: number): Value | null => {
  const weights = window.strides.every((s) => s === 1) ? constantWeights(op, w) : null;
  const rank = window.kernel.length;
  const pads = window.pads.map((p, i) => (window.kernel[i % rank]! - 1) * window.dilations[i % rank]! - p);
  if (!weights || pads.some((p) => p < 0)) return null;
  const dx = op.Conv(dy, op.tensor(flipped(weights, group), `${w.name}_flipped`), {
    pads,
    dilations: window.dilations,
    group,
  });
  return sameShape(dx.shape, x.shape) ? dx : null;
};

/** dx of a convolution. */
export const convInput: Vjp = (dy, { op, node }, x, w) => {
  const spatial = x.shape.slice(2);
  const window = windowOf(node, spatial, w.shape.slice(2));
  const group = intOf(node, "group", 1);
  const weights = group === 1 ? constantWeights(op, w) : null;
  return (
    convolveBack(op, dy, x, w, window, group) ??
    (weights && subpixelBack(op, dy, weights, spatial, window)) ??
    slideBack(op, dy, w, spatial, window, group)
  );
};

/** db = Σ dy over all axes except the channels. */
const bias: Vjp = (dy, { op }) =>
  op.ReduceSum(dy, op.ints(dy.shape.flatMap((_, i) => (i === 1 ? [] : [i]))), { keepdims: 0 });

/** y = w ⋆ x + b; dx = the transposed convolution of dy with w. */
export const Conv: VjpRule = [convInput, fixedWeights, bias];

/** y = wᵀ ⋆ x + b; dx = the convolution of dy with w, cropped to the size of x if output padding enlarged y. */
export const ConvTranspose: VjpRule = [
  (dy, { op, node }, x, w) => {
    const { strides, dilations, pads } = convTransposeWindow(node, x, w);
    const dx = op.Conv(dy, w, { strides, dilations, pads, group: intOf(node, "group", 1) });
    if (sameShape(dx.shape, x.shape)) return dx;
    return op.Slice(dx, op.ints(x.shape.map(() => 0)), op.ints(x.shape));
  },
  fixedWeights,
  bias,
];
