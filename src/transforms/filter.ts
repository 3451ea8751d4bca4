/** Filters that are applied to rows and columns in turn, with kernels that are inputs of the graph. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { dimensionsOf, tensorOf, type Tensor } from "../tensor.ts";

/** Each channel of x [1,C,H,W] correlated with `rows` [1,1,K,1], then with `columns` [1,1,1,K]; smaller by K − 1 each way. */
export const filtered = (op: Builder, x: Value, rows: Value, columns: Value): Value => {
  const [, channels, height, width] = dimensionsOf(x, 4);
  const planes = op.Reshape(x, op.ints([channels, 1, height, width]));
  const y = op.Conv(op.Conv(planes, rows), columns);
  return op.Reshape(y, op.ints([1, channels, y.shape[2]!, y.shape[3]!]));
};

/** x [1,C,H,W] with its border repeated `amount` times on every side. */
export const edged = (op: Builder, x: Value, amount: number): Value =>
  op.Pad(x, op.ints([0, 0, amount, amount, 0, 0, amount, amount]), null, { mode: "edge" });

/** Shapes of the inputs `rows` and `columns` for kernels of that length. */
export const kernelShapes = (length: number) => ({ rows: [1, 1, length, 1], columns: [1, 1, 1, length] });

/** A kernel as the input `rows`, and as the input `columns`. */
export const asRows = (kernel: readonly number[]): Tensor<"float32"> =>
  tensorOf("float32", [1, 1, kernel.length, 1], kernel);
export const asColumns = (kernel: readonly number[]): Tensor<"float32"> =>
  tensorOf("float32", [1, 1, 1, kernel.length], kernel);

/** The kernel that takes the value at `position`, by linear interpolation between its neighbours. */
export const tap = (length: number, position: number): number[] =>
  Array.from({ length }, (_, k) => Math.max(0, 1 - Math.abs(k - position)));
