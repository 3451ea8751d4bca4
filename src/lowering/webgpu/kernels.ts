/** The kernels of onnxruntime-web's WebGPU provider (1.30), determined by running sessions of single nodes without CPU fallback. */

import { stringOf, type Graph, type Node } from "../../onnx/graph.ts";
import { equationOf } from "../../onnx/infer/einsum.ts";
import { typesOf } from "../../onnx/types.ts";
import type { TensorType } from "../../onnx/value.ts";

const floats = "float32";
const numbers = "float32 int32";
const data = "float32 int32 bool";
const all = "float32 int32 bool uint8 int8";

/** Operators by the element types for which they have a kernel. */
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

/** The inputs whose types select the kernel, for operators that also have inputs such as indices and shapes. */
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

/** Forms for which the kernel fails or returns wrong numbers, by the types of the inputs and of the output. */
const faulty: Readonly<
  Record<string, (node: Node, inputs: readonly (TensorType | undefined)[], y: TensorType) => boolean>
> = {
  MaxPool: ({ outputs }) => outputs.length > 1,
  ConvTranspose: (_, [x]) => x!.shape.length > 4,
  Cast: (_, __, y) => y.dtype === "int8",
  // A resized channel axis is taken for the channels-last layout, which is resized wrongly; fewer than two axes fail.
  Resize: (node, [x], y) =>
    x!.shape.length < 2 ||
    (stringOf(node, "mode", "nearest") !== "nearest" && x!.shape.length === 4 && x!.shape[1] !== y.shape[1]),
  // The kernel does not broadcast axes of size 1.
  Einsum: (node, inputs) => {
    const { terms, sizes } = equationOf(
      node,
      inputs.map((type, i) => (type ? { name: node.inputs[i]!, ...type } : null)),
    );
    return (
      stringOf(node, "equation", "").includes("...") ||
      terms.some((term, i) => term.split("").some((letter, axis) => sizes.get(letter) !== inputs[i]!.shape[axis]))
    );
  },
};

type Types = ReadonlyMap<string, TensorType>;

const hasKernel = (node: Node, types: Types): boolean => {
  const allowed = node.domain === "" ? table.get(node.op) : undefined;
  const inputs = node.inputs.map((name) => types.get(name));
  const isSupported = (type: TensorType | undefined, i: number): boolean =>
    !type || !isComputedOn(node, i) || allowed!.includes(type.dtype);
  return (
    allowed !== undefined && inputs.every(isSupported) && !faulty[node.op]?.(node, inputs, types.get(node.outputs[0]!)!)
  );
};

/** The operators of a graph that the provider would execute on the CPU, each once, with its input types. */
export const offGpu = (graph: Graph): readonly string[] => {
  const types = typesOf(graph);
  const left = graph.nodes.filter((n) => !hasKernel(n, types));
  return [...new Set(left.map((n) => `${n.op}(${n.inputs.map((name) => types.get(name)?.dtype ?? "").join(", ")})`))];
};

/**
 * Whether a graph with a kernel for every node can also be captured. Scatter operators copy their data first, and a captured graph
 * (onnxruntime 1.30) replays copies wrongly without an error. After `lowerForWebGpu`, no output is a copy.
 */
export const capturable = (graph: Graph): boolean =>
  graph.nodes.every(({ op }) => op !== "ScatterElements" && op !== "ScatterND");
