/** Constant folding of operators that only rearrange elements. */

import { newData, numbersOf, sizeOf, stridesOf, tensor, tensorOf, type Tensor } from "../../tensor.ts";
import { OnnxError, describe, intOf, tensorAttributeOf, type Node } from "../graph.ts";
import { sliceAxes } from "../infer/shape.ts";
import { normaliseAxis, type TensorType, type Value } from "../value.ts";

/** Returns null if the result cannot be represented; the node is then left to the runtime. */
export type Evaluator = (
  inputs: readonly Tensor[],
  type: TensorType,
  node: Node,
  values: readonly (Value | null)[],
) => Tensor | null;

/** The same elements in the same order under another shape. */
const relabel: Evaluator = ([x], { shape }) => tensor(x!.dtype, shape, x!.data);

/** out[i] = x[source(index of i)], for operators that only rearrange elements. */
const moved = (
  x: Tensor,
  shape: readonly number[],
  source: (index: readonly number[]) => readonly number[],
): Tensor => {
  const strides = stridesOf(x.shape);
  const data = newData(x.dtype, sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    const at = source(index);
    data[i] = x.data[at.reduce((sum, v, axis) => sum + v * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return tensor(x.dtype, shape, data);
};

export const expanded = (x: Tensor, shape: readonly number[]): Tensor =>
  moved(x, shape, (index) => x.shape.map((d, i) => (d === 1 ? 0 : index[shape.length - x.shape.length + i]!)));

const concat: Evaluator = (inputs, { dtype, shape }, node) => {
  const axis = normaliseAxis(node, intOf(node, "axis", 0), shape.length);
  const starts = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, t) => sum + t.shape[axis]!, 0));
  const owner = (position: number) => starts.findLastIndex((s) => s <= position);
  const data = newData(dtype, sizeOf(shape));
  const strides = stridesOf(shape);
  for (let i = 0; i < data.length; i++) {
    const index = shape.map((d, a) => Math.floor(i / strides[a]!) % d);
    const which = owner(index[axis]!);
    index[axis]! -= starts[which]!;
    const own = stridesOf(inputs[which]!.shape);
    data[i] = inputs[which]!.data[index.reduce((sum, v, a) => sum + v * own[a]!, 0)]!;
  }
  return tensor(dtype, shape, data);
};

const gather: Evaluator = ([x, indices], { shape }, node) => {
  const axis = normaliseAxis(node, intOf(node, "axis", 0), x!.shape.length);
  const rank = indices!.shape.length;
  const strides = stridesOf(indices!.shape);
  const list = numbersOf(indices!);
  return moved(x!, shape, (index) => {
    const at = list[index.slice(axis, axis + rank).reduce((sum, v, i) => sum + v * strides[i]!, 0)]!;
    if (at < -x!.shape[axis]! || at >= x!.shape[axis]!) {
      throw new OnnxError(`index ${at} is out of range for axis ${axis} of size ${x!.shape[axis]}`, describe(node));
    }
    return [...index.slice(0, axis), at < 0 ? at + x!.shape[axis]! : at, ...index.slice(axis + rank)];
  });
};

const slice: Evaluator = ([x], { shape }, node, values) => {
  const axes = sliceAxes(node, values);
  return moved(x!, shape, (index) => index.map((v, i) => axes[i]!.start + v * axes[i]!.step));
};

/** The parts into which Split divides `x` along its axis. */
export const split = (x: Tensor, parts: readonly TensorType[], node: Node): Tensor[] => {
  const axis = normaliseAxis(node, intOf(node, "axis", 0), x.shape.length);
  return parts.map(({ shape }, part) => {
    const start = parts.slice(0, part).reduce((sum, t) => sum + t.shape[axis]!, 0);
    return moved(x, shape, (index) => index.map((v, i) => (i === axis ? start + v : v)));
  });
};

/** Sets the elements below (or above) the k-th diagonal of each matrix to zero. */
const trilu: Evaluator = ([x, k], { dtype, shape }, node) => {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const diagonal = k ? numbersOf(k)[0]! : 0;
  const upper = intOf(node, "upper", 1) === 1;
  const kept = (i: number): boolean => {
    const distance = (i % columns) - (Math.floor(i / columns) % rows);
    return upper ? distance >= diagonal : distance <= diagonal;
  };
  const data = newData(dtype, x!.data.length);
  for (let i = 0; i < data.length; i++) if (kept(i)) data[i] = x!.data[i]!;
  return tensor(dtype, shape, data);
};

const transpose: Evaluator = ([x], { shape }, node) => {
  const perm = node.attributes["perm"];
  const order = perm?.type === "ints" ? perm.value : shape.map((_, i) => shape.length - 1 - i);
  return moved(x!, shape, (index) => x!.shape.map((_, axis) => index[order.indexOf(axis)]!));
};

export const movers: Readonly<Record<string, Evaluator>> = {
  Constant: (_, __, node) => tensorAttributeOf(node, "value", undefined)!,
  ConstantOfShape: (_, { dtype, shape }, node) => {
    const value = tensorAttributeOf(node, "value", undefined);
    return expanded(value ? tensor(value.dtype, [], value.data) : tensorOf(dtype, [], [0]), shape);
  },
  Identity: relabel,
  Reshape: relabel,
  Flatten: relabel,
  Squeeze: relabel,
  Unsqueeze: relabel,
  Expand: ([x], { shape }) => expanded(x!, shape),
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Transpose: transpose,
  Tile: ([x], { shape }) => moved(x!, shape, (index) => index.map((v, i) => v % x!.shape[i]!)),
  Trilu: trilu,
};
