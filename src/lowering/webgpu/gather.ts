/** GatherND and ScatterND, whose indices ONNX allows as int64 only, by a single index into rows. */

import type { Builder } from "../../onnx/build.ts";
import { intOf, stringOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { sizeOf, stridesOf } from "../../tensor.ts";
import { sampled } from "../../autodiff/rules/grid-sample.ts";
import { fromFront, type GpuRule } from "./rule.ts";

/** Data [D₁ … Dₖ, …] as rows, and the row index [M] of each tuple of indices [M, k]; negative indices count from the end. */
const rowsOf = (op: Builder, data: Value, indices: Value): { readonly rows: Value; readonly at: Value } => {
  const k = indices.shape.at(-1)!;
  const [outer, inner] = [data.shape.slice(0, k), sizeOf(data.shape.slice(k))];
  const tuples = op.Reshape(indices, op.ints([sizeOf(indices.shape) / k, k]));
  const c = (value: number) => op.constant(value, "int32");
  const parts = outer.map((size, i) => {
    const index = op.Gather(tuples, op.constant(i, "int64"), { axis: 1 });
    return op.Mul(fromFront(op, index, size), c(stridesOf(outer)[i]!));
  });
  return { rows: op.Reshape(data, op.ints([sizeOf(outer), inner])), at: parts.reduce((a, b) => op.Add(a, b)) };
};

export const GatherND: GpuRule = ({ op, node }, data, indices) => {
  if (!data || indices?.dtype !== "int32" || intOf(node, "batch_dims", 0) !== 0) return null;
  const { rows, at } = rowsOf(op, data, indices);
  const shape = [...indices.shape.slice(0, -1), ...data.shape.slice(indices.shape.at(-1))];
  return [op.Reshape(op.Gather(rows, at, { axis: 0 }), op.ints(shape))];
};

export const ScatterND: GpuRule = ({ op, node }, data, indices, updates) => {
  if (!data || indices?.dtype !== "int32" || !updates) return null;
  const { rows, at } = rowsOf(op, data, indices);
  const shape = op.ints([at.shape[0]!, rows.shape[1]!]);
  const everywhere = op.Expand(op.Unsqueeze(at, op.ints([1])), shape);
  const reduction = stringOf(node, "reduction", "none");
  const written = op.ScatterElements(rows, everywhere, op.Reshape(updates, shape), { axis: 0, reduction });
  return [op.Reshape(written, op.ints(data.shape))];
};

/** GridSample in ONNX operators, to which rules are applied in turn. */
export const GridSample: GpuRule = ({ op, node }, x, grid) => (x && grid ? [sampled({ op, node }, x, grid)] : null);
