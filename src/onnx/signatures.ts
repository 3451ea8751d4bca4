/** The inputs of the operators, and their floating-point attributes. Source: the ONNX schemas. */

import { OnnxError, describe, type Node } from "./graph.ts";
import { counted } from "../counted.ts";

/**
 * Operators by their inputs, in the opset-21 form or, for later operators, in their first form. "f": float types are allowed; "i":
 * they are not; "?": the input is optional; "+": there are one or more such inputs.
 */
const operatorsByInputs: Readonly<Record<string, string>> = {
  "": "Constant",
  f: "Abs Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Cast Ceil Celu Cos Cosh DepthToSpace DynamicQuantizeLinear Elu Erf Exp EyeLike Flatten Floor Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool HardSigmoid HardSwish Hardmax Identity IsInf IsNaN LRN LeakyRelu Log LogSoftmax LpNormalization LpPool MaxPool MeanVarianceNormalization Mish Neg NonZero Reciprocal Relu Round Selu Shape Shrink Sigmoid Sign Sin Sinh Size Softmax Softplus Softsign SpaceToDepth Sqrt Swish Tan Tanh ThresholdedRelu Transpose",
  "f f":
    "Add CastLike Div Equal Greater GreaterOrEqual GridSample Less LessOrEqual MatMul MaxRoiPool Mod Mul PRelu Pow RMSNormalization Sub SwiGLU Upsample",
  "f i":
    "AffineGrid CenterCropPad Compress CumProd CumSum Expand Gather GatherElements GatherND Reshape ReverseSequence Tile TopK Unsqueeze",
  "f i?":
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Split Squeeze Trilu",
  "f+": "Concat Einsum Max Mean Min Sum",
  i: "BitwiseNot ConstantOfShape Not",
  "i i": "And BitShift BitwiseAnd BitwiseOr BitwiseXor Or Xor",
  "f f f": "GroupNormalization InstanceNormalization OneHot Range",
  "f f f?": "Conv ConvTranspose Gemm LayerNormalization",
  "f i f": "Scatter ScatterElements ScatterND",
  "i f f": "Where",
  "f i i": "Col2Im",
  "f i i?": "MaxUnpool",
  "f f i": "RoiAlign",
  "f f i?": "QuantizeLinear",
  "i f i?": "DequantizeLinear",
  "f f? f?": "Clip",
  "f f? i?": "Dropout",
  "f i f? i?": "Pad",
  "f f? f? i?": "Resize",
  "f f f i?": "RotaryEmbedding",
  "i i i? i?": "ConvInteger MatMulInteger",
  "f i i i? i?": "Slice",
  "f f f f f": "BatchNormalization",
  "f f f f? f?": "DeformConv",
  "f f f f? f? f? i?": "Attention",
  "i f i i f i f i": "QLinearMatMul",
  "i f i i f i f i i?": "QLinearConv",
};

/** The inputs of one operator. */
export interface Signature {
  /** The number of inputs that must be present. */
  readonly required: number;
  /** Maximum number of inputs; Infinity for a variadic operator. */
  readonly maximum: number;
  /** Whether input `index` may have a floating-point type. */
  readonly isFloat: (index: number) => boolean;
}

const signature = (words: string): Signature => {
  const inputs = words === "" ? [] : words.split(" ");
  const variadic = inputs.at(-1)?.endsWith("+") ?? false;
  return {
    required: inputs.filter((input) => !input.endsWith("?")).length,
    maximum: variadic ? Infinity : inputs.length,
    isFloat: (index) => (inputs[Math.min(index, variadic ? inputs.length - 1 : index)] ?? "").startsWith("f"),
  };
};

const byOperator = (table: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(table).flatMap(([value, names]) => names.split(" ").map((op) => [op, value] as const)));

const signatures: ReadonlyMap<string, Signature> = new Map(
  [...byOperator(operatorsByInputs)].map(([op, words]) => [op, signature(words)] as const),
);

/** The inputs of an operator of the standard domain; undefined if it is not in the table. */
export const signatureOf = (operator: string): Signature | undefined => signatures.get(operator);

const expected = ({ required, maximum }: Signature): string => {
  if (maximum === Infinity) return `at least ${counted(required, "input")}`;
  return required === maximum ? counted(required, "input") : `${required} to ${counted(maximum, "input")}`;
};

/** @param inputs null for an absent input. @throws OnnxError for a standard operator with too many inputs, or without a required one. */
export const checkInputs = (node: Node, inputs: readonly unknown[]): void => {
  const known = node.domain === "" ? signatures.get(node.op) : undefined;
  if (!known) return;
  const missing = Array.from({ length: known.required }, (_, i) => i).find((i) => (inputs[i] ?? null) === null);
  const fault = missing === undefined ? `has ${counted(inputs.length, "input")}` : `input ${missing} is absent`;
  if (missing === undefined && inputs.length <= known.maximum) return;
  throw new OnnxError(`${fault}; ${node.op} takes ${expected(known)}`, describe(node));
};

/** Operators by the names of their floating-point attributes, including onnxruntime's own operators. */
const operatorsByFloats: Readonly<Record<string, string>> = {
  alpha: "Celu Elu FusedMatMul LeakyRelu QGemm QLinearLeakyRelu QuickGelu SwiGLU Swish ThresholdedRelu",
  "alpha beta": "Gemm HardSigmoid",
  "alpha beta activation_alpha activation_beta activation_gamma": "FusedGemm",
  "alpha beta bias": "LRN",
  "alpha gamma": "Selu",
  activation_params: "FusedConv",
  "bias lambd": "Shrink",
  "cubic_coeff_a extrapolation_value": "Resize",
  epsilon: "GroupNormalization InstanceNormalization LayerNormalization RMSNormalization SkipLayerNormalization",
  "epsilon momentum": "BatchNormalization",
  "max min": "Clip",
  ratio: "Dropout",
  "scale softcap": "Attention",
  scales: "Upsample",
  spatial_scale: "MaxRoiPool RoiAlign",
  value: "Pad",
  "value_float value_floats": "Constant",
};

const floats: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [...byOperator(operatorsByFloats)].map(([op, names]) => [op, new Set(names.split(" "))] as const),
);

/** Whether an attribute is a float or a list of floats. Every other numeric attribute is an integer. */
export const isFloatAttribute = (operator: string, name: string): boolean => floats.get(operator)?.has(name) ?? false;
