/**
 * Operators whose output size depends on the data. A graph of fixed sizes can contain them only if the data are constant, as in the
 * index ranges (NonZero of ConstantOfShape) and masks that exporters write.
 */

import { numbersOf, sizeOf, stridesOf, tensorOf, type Tensor } from "../../tensor.ts";
import type { Decompose } from "./rule.ts";
import { OnnxError, describe, intOf, type Node } from "../graph.ts";
import { DATA_DEPENDENT } from "../unsupported.ts";
import { normaliseAxis, required, type Value } from "../value.ts";

const known = (node: Node, v: Value): Tensor => {
  if (!v.constant) throw new OnnxError(DATA_DEPENDENT, describe(node));
  return v.constant;
};

/** The indices [rank, n] of the n elements that are not zero; a scalar is treated as a vector with one element. */
const NonZero: Decompose = ({ op, node, inputs }) => {
  const x = known(node, required(node, inputs, 0));
  const shape = x.shape.length === 0 ? [1] : x.shape;
  const strides = stridesOf(shape);
  const places = numbersOf(x).flatMap((v, i) => (v === 0 ? [] : [i]));
  const indices = shape.flatMap((size, axis) => places.map((i) => Math.floor(i / strides[axis]!) % size));
  return [op.tensor(tensorOf("int64", [shape.length, places.length], indices), node.outputs[0])];
};

/** The slices of x along `axis` (by default the elements of the flattened x) at which the condition is true. */
const Compress: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  const chosen = numbersOf(known(node, required(node, inputs, 1))).flatMap((v, i) => (v === 0 ? [] : [i]));
  const raw = intOf(node, "axis", undefined);
  if (raw === undefined) return [op.Gather(op.Reshape(x, op.ints([sizeOf(x.shape)])), op.ints(chosen))];
  return [op.Gather(x, op.ints(chosen), { axis: normaliseAxis(node, raw, x.shape.length) })];
};

export const dataDependent: Readonly<Record<string, Decompose>> = { NonZero, Compress };
