/**
 * The provider on which onnxruntime-web 1.30 places each operator, in its opset-21 form, with its native WebGPU provider (Dawn on
 * software Vulkan): from sessions without CPU fallback of the gradient rules' cases and, where those are not conclusive (nodes that
 * are folded or fail only at run time), of single nodes.
 */

const GPU =
  "Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LpNormalization MatMul Max MaxPool Min Mish Mul Neg Not PRelu Pad Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ScatterElements ScatterND Sigmoid Sin Sinh Slice Softmax Softplus Split Sqrt Squeeze Sub Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where";

const CPU =
  "BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Celu ConstantOfShape ConvInteger Dropout DynamicQuantizeLinear GlobalLpPool GridSample GroupNormalization IsInf IsNaN LRN LogSoftmax LpPool MatMulInteger MaxUnpool Mean MeanVarianceNormalization Mod OneHot Or QuantizeLinear Range ReverseSequence Round Selu Shrink Sign Softsign SpaceToDepth Sum Xor";

/** Forms that the provider refuses or computes wrongly, although it supports the operator. */
const exceptions: Readonly<Record<string, string>> = {
  Cast: "not from int64 nor to int8 and float64",
  Conv: "wrong from 6, 9, 15 … channels to a multiple of 4",
  ConvTranspose: "not of volumes; wrong in groups with one output channel and an even number of inputs",
  Div: "not of int64",
  Einsum: "wrong where axes are broadcast, or under an ellipsis",
  Equal: "float32 and int32",
  InstanceNormalization: "wrong for some sizes",
  LayerNormalization: "fails where parameters are broadcast",
  MaxPool: "fails with Indices",
  Pow: "not with int64; fails where both are broadcast",
  Resize: "fails with antialias and for one axis; wrong between other axes than the last two",
  Slice: "wrong in some steps backwards",
};

export const placements = { GPU: GPU.split(" "), CPU: CPU.split(" ") } as const;

/** Operators that are computed when the network is loaded, and so run on no provider. */
const folded: ReadonlySet<string> = new Set(["Shape", "Size"]);

/** GPU, with exceptions, CPU, or that it is not known. */
export const placementOf = (operator: string): string => {
  if (folded.has(operator)) return "–";
  if (placements.CPU.includes(operator)) return "CPU";
  if (!placements.GPU.includes(operator)) return "not known";
  const exception = exceptions[operator];
  return exception ? `GPU, ${exception}` : "GPU";
};
