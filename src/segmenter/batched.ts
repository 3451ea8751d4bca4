/** What an objective takes and gives of one image or of several: its inputs in the order of the logits, and a value of each image. */

import type { Built, Objective } from "../objectives/objective.ts";
import type { Builder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import { sizeOf, type Size } from "../tensor.ts";
import { inOrder, split } from "./apart.ts";
import type { Pixels } from "./pixels.ts";

type Inputs = Readonly<Record<string, Value>>;

/** The objective's inputs for each image, or in one for all, parts of graph inputs of their own names. */
export const inputsOf = (
  op: Builder,
  { inputs }: Objective,
  { height, width }: Size,
  batch: number,
  inOne: boolean,
): readonly Inputs[] => {
  const parts = Object.entries(inputs).map(([name, { dtype, per }]) => {
    const whole = op.input(name, dtype, per === "scalar" ? [batch] : [batch, height, width]);
    return [name, inOne ? [whole] : split(op, whole)] as const;
  });
  return Array.from({ length: inOne ? 1 : batch }, (_, i) =>
    Object.fromEntries(parts.map(([name, of]) => [name, of[i]!])),
  );
};

/** A number [n] of each image as [N,1,1,1], for the logits [N,C,h,w], of which each image has as many. */
const perLogits = (op: Builder, value: Value, { logits }: Pixels): Value => {
  const [n, of] = [value.shape[0]!, logits.shape[0]!];
  if (n === 1) return value;
  return op.Reshape(op.Expand(op.Reshape(value, op.ints([n, 1])), op.ints([n, of / n])), op.ints([of, 1, 1, 1]));
};

/** Those inputs with their pixels in the order of the logits. */
export const packed = (op: Builder, inputs: Inputs, { inputs: types }: Objective, pixels: Pixels): Inputs =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const { per, dtype, padding = dtype === "int32" ? undefined : 0 } = types[name]!;
      return [name, per === "scalar" ? perLogits(op, value, pixels) : pixels.pack(value, padding)];
    }),
  );

/** Parts of a sum on a GPU. */
const MOST_PARTS = 32;

/**
 * The sums [N] of the terms of N images, which lie image after image; a scalar where N is 1.
 *
 * onnxruntime's WebGPU provider (1.30) computes a single sum with 256 threads and each of several with 32, which add in another order.
 * Every image has the same parts, 2 to 32 of them, whose sums are several however many images there are; the sum of so few has one
 * order with either number of threads.
 */
const sumsInParts = (op: Builder, terms: Value, images: number): Value => {
  const count = sizeOf(terms.shape) / images;
  let parts = MOST_PARTS;
  while (count % parts > 0) parts -= 1;
  if (parts === 1 && images > 1)
    throw new OnnxError(`cannot be summed in parts, ${count} of them`, "an image's pixels");
  const rows = op.Reshape(terms, op.ints([images * parts, count / parts]));
  const sums = op.ReduceSum(rows, op.ints([1]), { keepdims: 0 });
  if (images === 1) return op.ReduceSum(sums, op.ints([0]), { keepdims: 0 });
  return op.ReduceSum(op.Reshape(sums, op.ints([images, parts])), op.ints([1]), { keepdims: 0 });
};

/** The values [N] of N images, a scalar where N is 1. */
export const lossesOf = (op: Builder, built: readonly Built[], batch: number, inOne: boolean): Value => {
  if (inOne) return sumsInParts(op, built[0]!.terms, batch);
  if (batch === 1) return built[0]!.value;
  return inOrder(
    op,
    built.map(({ value }) => op.Reshape(value, op.ints([1]))),
  );
};
