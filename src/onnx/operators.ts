/** ONNX's operators as methods: `op.Add(a, b)`. */

import type { PlainAttributes } from "./graph.ts";
import type { Value } from "./value.ts";

const names =
  "Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip Concat Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LRN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxUnpool MeanVarianceNormalization Min Mish Mul Neg Not OneHot Or PRelu Pad Pow QuantizeLinear Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize ReverseSequence Round ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Slice Softmax Softplus Softsign SpaceToDepth Sqrt Squeeze Sub Tan Tanh ThresholdedRelu Tile Transpose Trilu Unsqueeze Where";

type Words<S extends string, Found = never> = S extends `${infer First} ${infer Rest}`
  ? Words<Rest, Found | First>
  : Found | S;

type Argument = Value | null | undefined | PlainAttributes;

/** Takes the inputs in order (null or undefined if absent), then the attributes, and returns the first output. */
export type Operator = (...args: Argument[]) => Value;

export type Operators = Readonly<Record<Words<typeof names>, Operator>>;

const isValue = (a: Argument): a is Value =>
  a !== null && a !== undefined && "dtype" in a && "shape" in a && "name" in a;

/** The methods of the operators, which call a function that appends a node and returns its first output. */
export const operatorsOver = (
  append: (op: string, inputs: readonly (Value | null)[], attributes: PlainAttributes) => Value,
): Operators => {
  const methodOf =
    (op: string): Operator =>
    (...args) => {
      const last = args.at(-1);
      const attributes = last && !isValue(last) ? last : {};
      const inputs = args.slice(0, last && !isValue(last) ? -1 : undefined) as (Value | null | undefined)[];
      return append(
        op,
        inputs.map((v) => v ?? null),
        attributes,
      );
    };
  return Object.fromEntries(names.split(" ").map((op) => [op, methodOf(op)])) as Operators;
};
