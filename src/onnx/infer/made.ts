/** Shape inference of operators that create values from attributes, sizes and bounds. */

import type { DType } from "../../tensor.ts";
import { OnnxError, describe, intOf, tensorAttributeOf } from "../graph.ts";
import { constantInts, required, type Infer } from "../value.ts";

const Constant: Infer = (node) => {
  const value = tensorAttributeOf(node, "value", undefined);
  if (!value) throw new OnnxError("has no tensor value", describe(node));
  return [{ dtype: value.dtype, shape: value.shape }];
};

const ConstantOfShape: Infer = (node, inputs) => {
  const value = tensorAttributeOf(node, "value", undefined);
  if (value && value.data.length !== 1) throw new OnnxError("its value is not one element", describe(node));
  const dtype: DType = value?.dtype ?? "float32";
  return [{ dtype, shape: constantInts(node, required(node, inputs, 0)) }];
};

const Shape: Infer = (node, inputs) => {
  const { shape } = required(node, inputs, 0);
  return [{ dtype: "int64", shape: [shape.slice(intOf(node, "start", 0), intOf(node, "end", shape.length)).length] }];
};

const Size: Infer = (node, inputs) => {
  required(node, inputs, 0);
  return [{ dtype: "int64", shape: [] }];
};

const Range: Infer = (node, inputs) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => constantInts(node, required(node, inputs, i))[0]!);
  return [{ dtype: required(node, inputs, 0).dtype, shape: [Math.max(0, Math.ceil((limit! - start!) / delta!))] }];
};

export const made: Readonly<Record<string, Infer>> = { Constant, ConstantOfShape, Shape, Size, Range };
