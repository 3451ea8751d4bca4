/** GatherND and ScatterND, whose indices ONNX allows as int64 only, by a single index into rows. */

import type { Builder } from "../../onnx/build.ts";
import { intOf, stringOf } from "../../onnx/graph.ts";
import type { Value } from "../../onnx/value.ts";
import { numbersOf, sizeOf, stridesOf, tensorOf } from "../../tensor.ts";
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

/** Rows that are added at one place, above which they are scattered after all. */
const MAX_GATHERS = 64;

/**
 * data[at[i]] += updates[i] for constant indices: for each m, the m-th row that is added at each place is gathered, in the order of
 * the rows. Unlike a scatter it can be captured. Null where more than MAX_GATHERS rows are added at one place.
 */
const addedRows = (op: Builder, data: Value, at: readonly number[], updates: Value): Value | null => {
  const places = Array.from({ length: data.shape[0]! }, (): number[] => []);
  for (const [i, place] of at.entries()) places[place < 0 ? place + places.length : place]!.push(i);
  const longest = Math.max(...places.map(({ length }) => length));
  if (longest > MAX_GATHERS) return null;
  const perPlace = [places.length, ...data.shape.slice(1).map(() => 1)];
  return Array.from({ length: longest }, (_, m) => m).reduce((sum, m) => {
    const rows = op.Gather(
      updates,
      op.tensor(
        tensorOf(
          "int32",
          [places.length],
          places.map((of) => of[m] ?? 0),
        ),
        "rows",
      ),
      { axis: 0 },
    );
    if (places.every((of) => m < of.length)) return op.Add(sum, rows);
    const present = tensorOf(
      "float32",
      perPlace,
      places.map((of) => Number(m < of.length)),
    );
    return op.Add(sum, op.Mul(rows, op.cast(op.tensor(present, "present"), rows.dtype)));
  }, data);
};

export const ScatterND: GpuRule = ({ op, node }, data, indices, updates) => {
  if (!data || !indices || !updates) return null;
  if (indices.constant && indices.shape.length === 2 && indices.shape[1] === 1) {
    const adds = stringOf(node, "reduction", "none") === "add" && updates.dtype === "float32";
    const added = adds ? addedRows(op, data, numbersOf(indices.constant), updates) : null;
    if (added) return [added];
  }
  if (indices.dtype !== "int32") return null;
  const { rows, at } = rowsOf(op, data, indices);
  const shape = op.ints([at.shape[0]!, rows.shape[1]!]);
  const everywhere = op.Expand(op.Unsqueeze(at, op.ints([1])), shape);
  const reduction = stringOf(node, "reduction", "none");
  const written = op.ScatterElements(rows, everywhere, op.Reshape(updates, shape), { axis: 0, reduction });
  return [op.Reshape(written, op.ints(data.shape))];
};

/** GridSample in ONNX operators, to which rules are applied in turn. */
export const GridSample: GpuRule = ({ op, node }, x, grid) => (x && grid ? [sampled({ op, node }, x, grid)] : null);
