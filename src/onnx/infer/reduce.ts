/** Shape inference of operators that reduce over axes: reductions and matrix products. */

import { OnnxError, describe, intOf, type Node } from "../graph.ts";
import { broadcastShapes, constantInts, normaliseAxis, required, type Infer, type Value } from "../value.ts";

/** The axes of a Reduce* node, from its second input; all axes by default. */
export const reduceAxes = (node: Node, inputs: readonly (Value | null)[]): number[] => {
  const { shape } = required(node, inputs, 0);
  const given = inputs[1] ? constantInts(node, inputs[1]) : [];
  if (given.length > 0) return given.map((a) => normaliseAxis(node, a, shape.length));
  return intOf(node, "noop_with_empty_axes", 0) === 1 ? [] : shape.map((_, i) => i);
};

const without = (shape: readonly number[], axes: readonly number[], keep: boolean): number[] =>
  shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]));

const reduction: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  return [{ dtype, shape: without(shape, reduceAxes(node, inputs), intOf(node, "keepdims", 1) === 1) }];
};

const argument: Infer = (node, inputs) => {
  const { shape } = required(node, inputs, 0);
  const axis = normaliseAxis(node, intOf(node, "axis", 0), shape.length);
  return [{ dtype: "int64", shape: without(shape, [axis], intOf(node, "keepdims", 1) === 1) }];
};

const TopK: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  const axis = normaliseAxis(node, intOf(node, "axis", -1), shape.length);
  const k = constantInts(node, required(node, inputs, 1))[0]!;
  const out = shape.map((d, i) => (i === axis ? k : d));
  return [
    { dtype, shape: out },
    { dtype: "int64", shape: out },
  ];
};

const MatMul: Infer = (node, inputs) => {
  const a = required(node, inputs, 0);
  const b = required(node, inputs, 1);
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  if (left.at(-1) !== right.at(-2)) {
    throw new OnnxError(`[${a.shape.join(", ")}] and [${b.shape.join(", ")}] cannot be multiplied`, describe(node));
  }
  const batch = broadcastShapes(node, [left.slice(0, -2), right.slice(0, -2)]);
  const rows = a.shape.length === 1 ? [] : [left.at(-2)!];
  const columns = b.shape.length === 1 ? [] : [right.at(-1)!];
  return [{ dtype: a.dtype, shape: [...batch, ...rows, ...columns] }];
};

const Gemm: Infer = (node, inputs) => {
  const a = required(node, inputs, 0);
  const b = required(node, inputs, 1);
  const [rows, inner] = intOf(node, "transA", 0) ? a.shape.toReversed() : a.shape;
  const [depth, columns] = intOf(node, "transB", 0) ? b.shape.toReversed() : b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner !== depth) {
    throw new OnnxError(`[${a.shape.join(", ")}] and [${b.shape.join(", ")}] cannot be multiplied`, describe(node));
  }
  return [{ dtype: a.dtype, shape: [rows!, columns!] }];
};

export const reducing: Readonly<Record<string, Infer>> = {
  ...Object.fromEntries(
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare"
      .split(" ")
      .map((name) => [name, reduction]),
  ),
  ArgMax: argument,
  ArgMin: argument,
  TopK,
  MatMul,
  Gemm,
};
