/** Typed values, on which shape inference and the builder work. */

import type { DType, Tensor } from "../tensor.ts";
import { OnnxError, describe, type Node } from "./graph.ts";

/** A value of fixed shape, named as in the graph; `constant` holds its elements if they are known when the graph is built. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly constant?: Tensor;
}

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Infers the types of a node's outputs from its inputs (null if absent). The node must be in its opset-21 form. */
export type Infer = (node: Node, inputs: readonly (Value | null)[]) => readonly TensorType[];

/** The required input `index`. @throws OnnxError if it is absent. */
export const required = (node: Node, inputs: readonly (Value | null)[], index: number): Value => {
  const value = inputs[index];
  if (!value) throw new OnnxError(`input ${index} is absent`, describe(node));
  return value;
};

/** The integers of a constant input. @throws OnnxError if it is not constant when the graph is built. */
export const constantInts = (node: Node, value: Value): number[] => {
  if (!value.constant) {
    throw new OnnxError(
      `"${value.name}" must be a constant once the input size is fixed, but depends on data`,
      describe(node),
    );
  }
  return Array.from(value.constant.data as ArrayLike<number | bigint>, Number);
};

/** `axis` counted from the front. @throws OnnxError if it is out of range. */
export const normaliseAxis = (node: Node, axis: number, rank: number): number => {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= Math.max(rank, 1))
    throw new OnnxError(`axis ${axis} is out of range for rank ${rank}`, describe(node));
  return positive;
};

/** The common element type of `values`. @throws OnnxError if they differ. */
export const sharedType = (node: Node, values: readonly Value[]): DType => {
  const [first] = values;
  if (!first) throw new OnnxError("has no inputs", describe(node));
  for (const v of values) {
    if (v.dtype !== first.dtype) {
      throw new OnnxError(`"${first.name}" is ${first.dtype}, "${v.name}" is ${v.dtype}`, describe(node));
    }
  }
  return first.dtype;
};

/** The broadcast shape of several shapes by NumPy's rules. @throws OnnxError if they are incompatible. */
export const broadcastShapes = (node: Node, shapes: readonly (readonly number[])[]): number[] => {
  const rank = shapes.reduce((longest, s) => Math.max(longest, s.length), 0);
  return Array.from({ length: rank }, (_, i) => {
    let size = 1;
    for (const shape of shapes) {
      const d = shape[shape.length - rank + i] ?? 1;
      if (d === size || d === 1) continue;
      if (size !== 1) {
        const list = shapes.map((s) => `[${s.join(", ")}]`).join(" and ");
        throw new OnnxError(`shapes ${list} do not broadcast`, describe(node));
      }
      size = d;
    }
    return size;
  });
};
