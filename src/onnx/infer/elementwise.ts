/** Shape inference of elementwise operators. */

import type { DType } from "../../tensor.ts";
import { describe, intOf, type Node } from "../graph.ts";
import { dtypeOf } from "../tensor-proto.ts";
import { broadcastShapes, required, sharedType, type Infer } from "../value.ts";

const unary: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  return [{ dtype, shape }];
};

const broadcast: Infer = (node, inputs) => {
  const values = inputs.map((_, i) => required(node, inputs, i));
  return [
    {
      // Only the exponent of Pow may have another type.
      dtype: node.op === "Pow" ? required(node, inputs, 0).dtype : sharedType(node, values),
      shape: broadcastShapes(
        node,
        values.map((v) => v.shape),
      ),
    },
  ];
};

const comparison: Infer = (node, inputs) => broadcast(node, inputs).map(({ shape }) => ({ dtype: "bool", shape }));

const predicate: Infer = (node, inputs) => [{ dtype: "bool", shape: required(node, inputs, 0).shape }];

const Where: Infer = (node, inputs) => [
  {
    dtype: sharedType(node, [required(node, inputs, 1), required(node, inputs, 2)]),
    shape: broadcastShapes(
      node,
      inputs.map((_, i) => required(node, inputs, i).shape),
    ),
  },
];

const Cast: Infer = (node, inputs) => [
  { dtype: dtypeOf(intOf(node, "to", 0), describe(node)), shape: required(node, inputs, 0).shape },
];

const CastLike: Infer = (node, inputs) => [
  { dtype: required(node, inputs, 1).dtype, shape: required(node, inputs, 0).shape },
];

const quantizedType = (node: Node): DType => {
  const code = intOf(node, "output_dtype", 0);
  return code === 0 ? "uint8" : dtypeOf(code, describe(node));
};

const QuantizeLinear: Infer = (node, inputs) => [
  { dtype: inputs[2]?.dtype ?? quantizedType(node), shape: required(node, inputs, 0).shape },
];

const DequantizeLinear: Infer = (node, inputs) => [
  { dtype: required(node, inputs, 1).dtype, shape: required(node, inputs, 0).shape },
];

/** Dropout in evaluation mode; its second output is the mask of kept elements. */
const Dropout: Infer = (node, inputs) => [...unary(node, inputs), ...predicate(node, inputs)];

const all = (names: string, infer: Infer): Record<string, Infer> =>
  Object.fromEntries(names.split(" ").map((name) => [name, infer]));

export const elementwise: Readonly<Record<string, Infer>> = {
  ...all(
    "Abs Ceil Clip Elu Erf Exp Floor HardSigmoid HardSwish Identity LeakyRelu Log Neg Not PRelu Reciprocal Relu",
    unary,
  ),
  ...all("Round Selu Sigmoid Sign Softplus Softsign Sqrt Tanh ThresholdedRelu Sin Cos Celu Gelu Mish", unary),
  ...all("Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Shrink Trilu BitwiseNot", unary),
  ...all("Softmax LogSoftmax Hardmax CumSum", unary),
  ...all("Add Sub Mul Div Pow Mod Max Min Sum Mean BitShift BitwiseAnd BitwiseOr BitwiseXor", broadcast),
  ...all("Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor", comparison),
  ...all("IsNaN IsInf", predicate),
  Where,
  Cast,
  CastLike,
  Dropout,
  QuantizeLinear,
  DequantizeLinear,
};
