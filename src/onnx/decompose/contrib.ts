/** Decompositions of onnxruntime's fused float operators (docs/ContribOperators.md). */

import type { Builder } from "../build.ts";
import type { Decomposable, Decompose } from "./rule.ts";
import { OnnxError, describe, floatOf, floatsOf, intOf, stringOf, type Attributes } from "../graph.ts";
import { required, type Value } from "../value.ts";
import { gridSampleMode } from "../infer/grid-sample.ts";

const without = (attributes: Attributes, ...names: string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));

/** x·σ(αx) */
const quickGelu = (op: Builder, x: Value, alpha: number): Value =>
  op.Mul(x, op.Sigmoid(op.Mul(x, op.constant(alpha, x.dtype))));

const plus = (op: Builder, x: Value, bias: Value | null | undefined): Value => (bias ? op.Add(x, bias) : x);

/** Inputs: x, and an optional bias that is added to x. */
const gelu =
  (approximate: "none" | "tanh"): Decompose =>
  ({ op, node, inputs }) =>
    op.append("Gelu", [plus(op, required(node, inputs, 0), inputs[1])], { approximate });

/** Applies the activation of a fused operator. */
const activated = ({ op, node }: Decomposable, x: Value, parameters: readonly number[]): Value => {
  const [a = 0, b = 0] = parameters;
  const name = stringOf(node, "activation", "");
  switch (name) {
    case "":
      return x;
    case "Relu":
      return op.Relu(x);
    case "Tanh":
      return op.Tanh(x);
    case "Sigmoid":
      return op.Sigmoid(x);
    case "HardSwish":
      return op.HardSwish(x);
    case "LeakyRelu":
      return op.LeakyRelu(x, { alpha: a });
    case "HardSigmoid":
      return op.HardSigmoid(x, { alpha: a, beta: b });
    case "Clip":
      return op.Clip(x, op.constant(a, x.dtype), op.constant(b, x.dtype));
    default:
      throw new OnnxError(`activation ${name} is not supported`, describe(node));
  }
};

/** y = f(w ⋆ x + b + z). Inputs: x, w, b, z. */
const FusedConv: Decompose = (context) => {
  const { op, node, inputs } = context;
  const attributes = without(node.attributes, "activation", "activation_params");
  const y = op.Conv(...inputs.slice(0, 3), attributes);
  return [activated(context, plus(op, y, inputs[3]), floatsOf(node, "activation_params", []))];
};

const FusedGemm: Decompose = (context) => {
  const { op, node, inputs } = context;
  const own = ["activation", "activation_alpha", "activation_beta", "activation_gamma"];
  const parameters = [floatOf(node, "activation_alpha", 0), floatOf(node, "activation_beta", 0)];
  return [activated(context, op.Gemm(...inputs, without(node.attributes, ...own)), parameters)];
};

const transposed = (op: Builder, x: Value, wanted: boolean): Value => {
  const rank = x.shape.length;
  if (!wanted || rank < 2) return x;
  return op.Transpose(x, { perm: x.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });
};

/** y = α·a′·b′, where ′ is an optional transposition of the last two axes. */
const FusedMatMul: Decompose = ({ op, node, inputs }) => {
  for (const name of ["transBatchA", "transBatchB"])
    if (intOf(node, name, 0) !== 0) throw new OnnxError(`${name} = 1 is not supported`, describe(node));
  const a = transposed(op, required(node, inputs, 0), intOf(node, "transA", 0) === 1);
  const b = transposed(op, required(node, inputs, 1), intOf(node, "transB", 0) === 1);
  const alpha = floatOf(node, "alpha", 1);
  const y = op.MatMul(a, b);
  return [alpha === 1 ? y : op.Mul(y, op.constant(alpha, y.dtype))];
};

/** Inputs: x, skip, γ, β, bias. Outputs: the normalised sum x + skip + bias, two statistics, the sum. */
const SkipLayerNormalization: Decompose = ({ op, node, inputs }) => {
  if (node.outputs.slice(1, 3).some((name) => name !== ""))
    throw new OnnxError("its mean or deviation is used; export in evaluation mode", describe(node));
  const [x, skip, scale] = [0, 1, 2].map((i) => required(node, inputs, i)) as [Value, Value, Value];
  const sum = plus(op, op.Add(x, skip), inputs[4]);
  const y = op.append("LayerNormalization", [sum, scale, inputs[3] ?? null], {
    axis: -1,
    epsilon: floatOf(node, "epsilon", 1e-12),
  })[0]!;
  return [y, null, null, sum];
};

export const contrib: Readonly<Record<string, Decompose>> = {
  "com.microsoft.Gelu": gelu("none"),
  "com.microsoft.BiasGelu": gelu("none"),
  "com.microsoft.FastGelu": gelu("tanh"),
  "com.microsoft.QuickGelu": ({ op, node, inputs }) => [
    quickGelu(op, required(node, inputs, 0), floatOf(node, "alpha", 1.702)),
  ],
  "com.microsoft.FusedConv": FusedConv,
  "com.microsoft.FusedGemm": FusedGemm,
  "com.microsoft.FusedMatMul": FusedMatMul,
  "com.microsoft.SkipLayerNormalization": SkipLayerNormalization,
  "com.microsoft.GridSample": ({ op, node, inputs }) =>
    op.append("GridSample", inputs, { ...node.attributes, mode: gridSampleMode(node) }),
};
