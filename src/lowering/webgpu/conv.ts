/** Convolutions for which the kernel of onnxruntime 1.30 returns wrong numbers. */

import type { Builder } from "../../onnx/build.ts";
import { intOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { sizeOf } from "../../tensor.ts";
import type { GpuRule } from "./rule.ts";

/**
 * The kernel reads three channels at a time if the number of input channels is a multiple of 3 but not of 4, and writes four at a
 * time if the number of output channels is a multiple of 4. With more than three input channels the result is then wrong. Kernels
 * of 1×1 take another path.
 */
const misread = (x: Value, w: Value, group: number): boolean => {
  const [outputs, inputs, ...kernel] = w.shape as [number, number, ...number[]];
  return (
    x.dtype === "float32" &&
    group === 1 &&
    inputs > 3 &&
    inputs % 3 === 0 &&
    inputs % 4 !== 0 &&
    outputs % 4 === 0 &&
    sizeOf(kernel) > 1
  );
};

/** [N,C,…] padded with channels of zeros to a multiple of 4. */
const inFours = (op: Builder, v: Value): Value => {
  const [none, missing] = [v.shape.map(() => 0), (4 - (v.shape[1]! % 4)) % 4];
  return op.Pad(v, op.ints([...none, ...none.with(1, missing)]), op.constant(0, v.dtype));
};

/** The convolution with both the image and the weights padded with channels of zeros. */
export const Conv: GpuRule = ({ op, node }, x, w, ...bias) =>
  x && w && misread(x, w, intOf(node, "group", 1))
    ? op.appendNode("Conv", [inFours(op, x), inFours(op, w), ...bias], node.attributes)
    : null;

/** Whether the kernel is wrong: one output channel per group, and several input channels per group, read two or four at a time. */
const mixedUp = (x: Value, w: Value, group: number): boolean => {
  const [inputs, outputs] = w.shape as [number, number, ...number[]];
  return x.dtype === "float32" && group > 1 && outputs === 1 && inputs > group && (inputs / group) % 2 === 0;
};

/** Each group gets a second output channel with zero weights, which is dropped from the result. */
export const ConvTranspose: GpuRule = ({ op, node }, x, w, bias = null) => {
  const group = intOf(node, "group", 1);
  if (!x || !w || !mixedUp(x, w, group)) return null;
  const none = w.shape.map(() => 0);
  const paired = op.Pad(w, op.ints([...none, ...none.with(1, 1)]), op.constant(0, w.dtype));
  const y = op.appendNode("ConvTranspose", [x, paired], node.attributes)[0]!;
  const own = op.ints(Array.from({ length: group }, (_, i) => 2 * i));
  const wanted = op.Gather(y, own, { axis: 1 });
  const shape = [group, ...w.shape.slice(2).map(() => 1)];
  return [bias ? op.Add(wanted, op.Reshape(bias, op.ints(shape))) : wanted];
};
