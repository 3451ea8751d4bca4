/** Convolutions that have a kernel in onnxruntime 1.30, which is wrong. */

import type { Builder } from "../../onnx/build.ts";
import { intOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { sizeOf } from "../../tensor.ts";
import type { GpuRule } from "./rule.ts";

/**
 * It reads the image three channels at a time where their number is a multiple of 3 and not of 4, and writes four
 * at a time where theirs is one of 4. With more than one group of three the result is wrong; a 1×1 kernel goes another way.
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

/** [N,C,…] with channels of zeros behind, a multiple of 4 in all. */
const inFours = (op: Builder, v: Value): Value => {
  const [none, missing] = [v.shape.map(() => 0), (4 - (v.shape[1]! % 4)) % 4];
  return op.Pad(v, op.ints([...none, ...none.with(1, missing)]), op.constant(0, v.dtype));
};

/** The same with channels that are zero on both sides of the product. */
export const Conv: GpuRule = ({ op, node }, x, w, ...bias) =>
  x && w && misread(x, w, intOf(node, "group", 1))
    ? op.appendNode("Conv", [inFours(op, x), inFours(op, w), ...bias], node.attributes)
    : null;

/** One output channel a group, of more than one input channel that are read two or four at a time. */
const mixedUp = (x: Value, w: Value, group: number): boolean => {
  const [inputs, outputs] = w.shape as [number, number, ...number[]];
  return x.dtype === "float32" && group > 1 && outputs === 1 && inputs > group && (inputs / group) % 2 === 0;
};

/** With a second output channel in each group, which is zero and left out again. */
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
