/** ONNX's operators as methods: `op.Add(a, b)`. */

import type { PlainAttributes } from "./graph.ts";
import type { Value } from "./value.ts";

const names =
  "Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Clip Concat Conv ConvTranspose CumSum DepthToSpace DequantizeLinear Div Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND GlobalAveragePool Greater GreaterOrEqual HardSigmoid HardSwish Identity LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool MaxUnpool Min Mul Neg Not OneHot Or PRelu Pad Pow QuantizeLinear Reciprocal ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize Round ScatterElements ScatterND Sigmoid Sign Slice Softmax Softplus SpaceToDepth Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze Where";

type Words<S extends string, Found = never> = S extends `${infer First} ${infer Rest}`
  ? Words<Rest, Found | First>
  : Found | S;

type Argument = Value | null | undefined | PlainAttributes;

/** Inputs in order (null or undefined: absent), then the attributes. The first output is returned. */
export type Operator = (...args: Argument[]) => Value;

export type Operators = Readonly<Record<Words<typeof names>, Operator>>;

const isValue = (a: Argument): a is Value =>
  a !== null && a !== undefined && "dtype" in a && "shape" in a && "name" in a;

/** The operators over a function that appends a node and returns its first output. */
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
