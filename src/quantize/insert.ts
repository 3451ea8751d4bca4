/**
 * Writes a quantised network in QuantizeLinear/DequantizeLinear form. This is standard ONNX with float values between the pairs;
 * onnxruntime fuses a convolution that has DequantizeLinear on all inputs and is followed by QuantizeLinear into QLinearConv.
 */

import { attributesOf } from "../onnx/attributes.ts";
import { OnnxError, type Graph, type Model, type Node, type PlainAttributes } from "../onnx/graph.ts";
import { prune } from "../onnx/passes/prune.ts";
import { readsOf } from "../onnx/sort.ts";
import { newData, scalar, tensor, type Tensor } from "../tensor.ts";
import type { Affine } from "./affine.ts";
import { convolutionOf, type Convolution } from "./convolution.ts";
import { quantizeWeights } from "./weights.ts";

/** How a convolution is computed: on integers, in float with int8 weights, or in float as before. */
export type Arithmetic = "integer" | "weights" | "float";

export interface Plan {
  readonly arithmetic: (convolution: Convolution) => Arithmetic;
  /** By name, for the inputs and outputs of the convolutions that are computed on integers. */
  readonly activations: ReadonlyMap<string, Affine>;
}

/** Operators that occur only in quantised networks: QuantizeLinear, QLinearConv, QGemm, ConvInteger and so on. */
const QUANTIZED_OPERATOR = /[Qq]uantizeLinear$|^QLinear|^QGemm$|Integer$/;

/** DequantizeLinear has an axis from opset 13 on. */
const OLDEST_OPSET = 13;

/** The graph under construction. */
interface Draft {
  readonly initializers: Map<string, Tensor>;
  readonly nodes: Node[];
  /** Dequantised values that exist already, by the name of the original value. */
  readonly dequantized: Map<string, string>;
  readonly fresh: (name: string) => string;
  /** The names of the nodes of the original graph. */
  readonly nodeNames: ReadonlySet<string>;
  readonly activations: Plan["activations"];
}

/**
 * The model with its convolutions quantised according to the plan. A value that several integer convolutions read is quantised
 * once. The inputs and outputs of the graph keep their names and types.
 *
 * @throws OnnxError if the model is quantised already or older than opset 13, or an activation has no scale.
 */
export const insertQuantization = (model: Model, { arithmetic, activations }: Plan): Model => {
  const { graph } = model;
  const place = `graph "${graph.name}"`;
  const known = graph.nodes.find((n) => QUANTIZED_OPERATOR.test(n.op));
  if (known) throw new OnnxError(`is quantised already: it has ${known.op} "${known.name}"`, place);
  if (model.opset < OLDEST_OPSET)
    throw new OnnxError(`opset ${model.opset} is too old; from ${OLDEST_OPSET} on`, place);
  const initializers = new Map(graph.initializers);
  const fresh = freshNames(graph);
  const nodeNames = new Set(graph.nodes.map((n) => n.name));
  const draft: Draft = { initializers, nodes: [], dequantized: new Map(), fresh, nodeNames, activations };
  for (const node of graph.nodes) {
    const convolution = convolutionOf(graph, node);
    const kind = convolution ? arithmetic(convolution) : "float";
    if (convolution && kind === "integer") appendInteger(draft, convolution);
    else if (convolution && kind === "weights") appendWeightOnly(draft, convolution);
    else draft.nodes.push(node);
  }
  return { ...model, graph: prune({ ...graph, initializers: draft.initializers, nodes: draft.nodes }) };
};

const freshNames = (graph: Graph): ((name: string) => string) => {
  const taken = new Set([
    ...graph.inputs.map((v) => v.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((n) => [n.name, ...n.outputs, ...readsOf(n)]),
  ]);
  return (name) => {
    let unique = name;
    for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
    taken.add(unique);
    return unique;
  };
};

const constant = (draft: Draft, name: string, t: Tensor): string => {
  const unique = draft.fresh(name);
  draft.initializers.set(unique, t);
  return unique;
};

const append = (draft: Draft, op: string, inputs: readonly string[], output: string, plain: PlainAttributes = {}) => {
  // Node names must be unique, but a node may have the name of another node's output.
  const name = draft.nodeNames.has(output) ? draft.fresh(output) : output;
  draft.nodes.push({ name, op, domain: "", inputs, outputs: [output], attributes: attributesOf(op, plain) });
  return output;
};

/** Adds `values` and a DequantizeLinear with one scale per channel; returns the name of its output. */
const dequantizedConstant = (draft: Draft, name: string, values: Tensor, scales: Tensor, axis: number): string => {
  const zero = tensor(values.dtype, scales.shape, newData(values.dtype, scales.data.length));
  const inputs = [
    constant(draft, `${name}_quantized`, values),
    constant(draft, `${name}_scale`, scales),
    constant(draft, `${name}_zero_point`, zero),
  ];
  return append(draft, "DequantizeLinear", inputs, draft.fresh(`${name}_dequantized`), { axis });
};

/** Adds a convolution in float with int8 weights. */
const appendWeightOnly = (draft: Draft, { node, weights, axis }: Convolution): void => {
  const { values, scales } = quantizeWeights(weights, axis);
  const w = dequantizedConstant(draft, node.inputs[1]!, values, scales, axis);
  draft.nodes.push({ ...node, inputs: [node.inputs[0]!, w, ...node.inputs.slice(2)] });
};

/**
 * The largest bias in units of its scale: half the range of int32, which leaves the other half to the sum of products.
 */
const LARGEST_BIAS = 2 ** 30;

/** Adds a convolution on integers: x, w and b are dequantised, and y is quantised and dequantised again. */
const appendInteger = (draft: Draft, convolution: Convolution): void => {
  const { node, weights, bias, axis, x, y } = convolution;
  const input = affineAt(draft, x);
  const smallestScales = bias ? Array.from(bias.data, (b) => Math.abs(b) / (input.scale * LARGEST_BIAS)) : [];
  const { values, scales } = quantizeWeights(weights, axis, smallestScales);
  const inputs = [quantized(draft, x), dequantizedConstant(draft, node.inputs[1]!, values, scales, axis)];
  if (bias) {
    const units = scales.data.map((s) => s * input.scale);
    const integers = Int32Array.from(bias.data, (b, c) => Math.round(b / units[c]!));
    const [q, s] = [tensor("int32", bias.shape, integers), tensor("float32", bias.shape, units)];
    inputs.push(dequantizedConstant(draft, node.inputs[2]!, q, s, 0));
  }
  const exact = draft.fresh(`${y}_exact`);
  draft.nodes.push({ ...node, inputs, outputs: [exact] });
  appendPair(draft, exact, affineAt(draft, y), y, y);
  draft.dequantized.set(y, y);
};

const affineAt = ({ activations }: Draft, name: string): Affine => {
  const affine = activations.get(name);
  if (!affine) throw new OnnxError("has no scale and zero point", `activation "${name}"`);
  return affine;
};

/** The name of the value after QuantizeLinear and DequantizeLinear; all readers share one pair. */
const quantized = (draft: Draft, name: string): string => {
  const known = draft.dequantized.get(name);
  if (known !== undefined) return known;
  const output = draft.fresh(`${name}_dequantized`);
  appendPair(draft, name, affineAt(draft, name), output, name);
  draft.dequantized.set(name, output);
  return output;
};

const appendPair = (draft: Draft, from: string, { scale, zeroPoint }: Affine, output: string, name: string): void => {
  const parameters = [
    constant(draft, `${name}_scale`, scalar("float32", scale)),
    constant(draft, `${name}_zero_point`, scalar("uint8", zeroPoint)),
  ];
  const bytes = append(draft, "QuantizeLinear", [from, ...parameters], draft.fresh(`${name}_quantized`));
  append(draft, "DequantizeLinear", [bytes, ...parameters], output);
};
