/** What onnxruntime-web's WebGPU provider (1.30) has kernels for, found by sessions of single nodes that may not fall back. */

import type { Graph, Node } from "../../onnx/graph.ts";
import { typesOf } from "../../onnx/types.ts";
import type { DType } from "../../tensor.ts";

const floats = "float32";
const numbers = "float32 int32";
const data = "float32 int32 bool";
const all = "float32 int32 bool uint8 int8";

/** Operators by the types of what they compute on. */
const kernels: Readonly<Record<string, string>> = {
  [floats]:
    "Abs Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Conv ConvTranspose Cos Cosh DepthToSpace Einsum Elu Erf Exp Floor Gelu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish InstanceNormalization LayerNormalization LeakyRelu Log LpNormalization MatMul MaxPool Mish Neg PRelu Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceProd ReduceSumSquare Relu Sigmoid Sin Sinh Slice Softmax Softplus Sqrt Tan Tanh ThresholdedRelu TopK Trilu",
  [numbers]:
    "Add Clip Concat CumSum Div Equal Gather GatherElements GatherND Greater GreaterOrEqual Less LessOrEqual Max Min Mul Pad ReduceMax ReduceMin ReduceSum Resize ScatterElements ScatterND Split Sub Tile Transpose",
  [data]: "Expand Where",
  bool: "And Not",
  [all]: "Cast DequantizeLinear Flatten Identity Reshape Squeeze Unsqueeze",
};

const table = new Map(
  Object.entries(kernels).flatMap(([types, operators]) =>
    operators.split(" ").map((op) => [op, types.split(" ")] as const),
  ),
);

/** Operators that have a kernel, at least for float32. */
export const gpuOperators: readonly string[] = [...table.keys()].toSorted();

/** Inputs whose values a kernel computes on, for operators that have others: indices, shapes. */
const computedOn: Readonly<Record<string, readonly number[]>> = {
  Gather: [0],
  GatherElements: [0],
  GatherND: [0],
  ScatterElements: [0, 2],
  ScatterND: [0, 2],
  Where: [1, 2],
  Pad: [0],
  Cast: [0],
};
const first = new Set("Slice Reshape Squeeze Unsqueeze Expand Tile Resize CumSum TopK Split Trilu".split(" "));
const reducing = /^Reduce/;

const isComputedOn = ({ op }: Node, index: number): boolean =>
  computedOn[op]?.includes(index) ?? (first.has(op) || reducing.test(op) ? index === 0 : true);

const hasKernel = (node: Node, types: readonly (DType | undefined)[]): boolean => {
  const allowed = node.domain === "" ? table.get(node.op) : undefined;
  if (!allowed) return false;
  if (node.op === "MaxPool" && node.outputs.length > 1) return false;
  return types.every((type, i) => type === undefined || !isComputedOn(node, i) || allowed.includes(type));
};

/** Operators of a graph that the provider would leave to the CPU, each once, with the types that it has no kernel for. */
export const offGpu = (graph: Graph): readonly string[] => {
  const types = typesOf(graph);
  const typeOf = (name: string): DType | undefined => types.get(name)?.dtype;
  const left = graph.nodes.filter((n) => !hasKernel(n, n.inputs.map(typeOf)));
  return [...new Set(left.map((n) => `${n.op}(${n.inputs.map((name) => typeOf(name) ?? "").join(", ")})`))];
};
