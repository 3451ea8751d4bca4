/**
 * Operators whose result has as many elements as the data make it. A graph of fixed sizes has them only where the data are
 * known: exporters write index ranges so (NonZero of ConstantOfShape), and masks.
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

/** The indices [rank, n] of the n elements that are not zero; a scalar counts as a list of one. */
const NonZero: Decompose = ({ op, node, inputs }) => {
  const x = known(node, required(node, inputs, 0));
  const shape = x.shape.length === 0 ? [1] : x.shape;
  const strides = stridesOf(shape);
  const places = numbersOf(x).flatMap((v, i) => (v === 0 ? [] : [i]));
  const indices = shape.flatMap((size, axis) => places.map((i) => Math.floor(i / strides[axis]!) % size));
  return [op.tensor(tensorOf("int64", [shape.length, places.length], indices), node.outputs[0])];
};

/** The slices of x along `axis` (of all its elements by default) at which the condition is true. */
const Compress: Decompose = ({ op, node, inputs }) => {
  const x = required(node, inputs, 0);
  const chosen = numbersOf(known(node, required(node, inputs, 1))).flatMap((v, i) => (v === 0 ? [] : [i]));
  const raw = intOf(node, "axis", undefined);
  if (raw === undefined) return [op.Gather(op.Reshape(x, op.ints([sizeOf(x.shape)])), op.ints(chosen))];
  return [op.Gather(x, op.ints(chosen), { axis: normaliseAxis(node, raw, x.shape.length) })];
};

export const dataDependent: Readonly<Record<string, Decompose>> = { NonZero, Compress };
