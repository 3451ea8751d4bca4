/** Places of elements, as MaxPool gives them: counted through all of a tensor. */

import type { Builder } from "../../onnx/build.ts";
import type { Value } from "../../onnx/value.ts";
import { sizeOf, tensorOf } from "../../tensor.ts";

/** Places in each of the K copies of a tensor, counted through all copies. */
export const placesOfEach = (op: Builder, indices: Value, size: number, copies: number): Value => {
  const starts = Array.from({ length: copies }, (_, n) => n * size);
  const shape = [copies, ...indices.shape.slice(1).map(() => 1)];
  return op.Add(indices, op.tensor(tensorOf("int64", shape, starts), "copies"));
};

/** x at places that count through all of it. */
export const gathered = (op: Builder, x: Value, places: Value): Value => {
  const flat = (v: Value): Value => op.Reshape(v, op.ints([sizeOf(v.shape)]));
  return op.Reshape(op.GatherElements(flat(x), flat(places), { axis: 0 }), op.ints(places.shape));
};
