/** A network's graph for several images at once, where each image's result depends on that image alone. */

import { decomposableOperators } from "../onnx/decompose.ts";
import { OnnxError, describe, intOf, intsOf, type Model, type Node } from "../onnx/graph.ts";
import type { Builder } from "../onnx/build.ts";
import type { Lower } from "../onnx/load.ts";
import type { Value } from "../onnx/value.ts";
import { numbersOf } from "../tensor.ts";

/** A node in its opset-21 form, with its inputs; null is an optional input that is absent. */
interface Loaded {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  /** Those inputs that depend on the images. */
  readonly varying: readonly Value[];
}

/** Whether the node keeps images apart that lie along the first axis of its inputs. */
type KeepsApart = (loaded: Loaded) => boolean;

const constantOf = (value: Value | null | undefined): readonly number[] | null =>
  value?.constant ? numbersOf(value.constant) : null;

const rankOf = ({ inputs }: Loaded): number => inputs[0]!.shape.length;

const always: KeepsApart = () => true;

/** Where all inputs but one are weights. */
const ofWeights: KeepsApart = ({ varying }) => varying.length === 1;

/** Along one axis, the attribute `axis`. */
const alongAxis =
  (byDefault: number): KeepsApart =>
  (loaded) =>
    intOf(loaded.node, "axis", byDefault) % rankOf(loaded) !== 0;

/** Along the axes of the input `index`, which must be given; Unsqueeze counts them in its result, of `more` axes. */
const alongAxes =
  (index: number, more = 0): KeepsApart =>
  (loaded) =>
    constantOf(loaded.inputs[index])?.every((axis) => axis % (rankOf(loaded) + more) !== 0) ?? false;

const named = (operators: string, keeps: KeepsApart): readonly (readonly [string, KeepsApart])[] =>
  operators.split(" ").map((op) => [op, keeps]);

/** The operators that are taken in a batch. Others may mix images, as DynamicQuantizeLinear does, which has one scale for all. */
const keepsApart: ReadonlyMap<string, KeepsApart> = new Map([
  ...named("Abs Cast Ceil Clip Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Neg", always),
  ...named("Reciprocal Relu Round Selu Sigmoid Softplus Softsign Sqrt Tanh", always),
  ...named("Add Div GridSample Max Min Mul PRelu Pow Sub", always),
  ...named("AveragePool DepthToSpace GlobalAveragePool GlobalMaxPool LRN MaxPool SpaceToDepth", always),
  ...named("BatchNormalization Conv ConvTranspose DequantizeLinear Expand GroupNormalization", ofWeights),
  ...named("InstanceNormalization QuantizeLinear Reshape Resize", ofWeights),
  ...named("ArgMax Concat Split", alongAxis(0)),
  ...named("LayerNormalization LogSoftmax Softmax", alongAxis(-1)),
  ...named("ReduceMax ReduceMean ReduceMin ReduceSum Squeeze", alongAxes(1)),
  ["MaxUnpool", always],
  ["Gather", (loaded) => ofWeights(loaded) && alongAxis(0)(loaded)],
  ["Unsqueeze", alongAxes(1, 1)],
  ["Slice", alongAxes(3)],
  ["MatMul", ({ varying }) => varying[0]!.shape.length > 2],
  ["Pad", (at) => at.inputs.length < 4 && [0, rankOf(at)].every((i) => constantOf(at.inputs[1])?.[i] === 0)],
  ["Transpose", ({ node }) => intsOf(node, "perm", [])[0] === 0],
]);

/** The input that is the shape of the result, where a file for one image says 1. */
const shapeInput: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, Resize: 3, MaxUnpool: 2 };

/** The inputs with the number of images in place of a 1 at the head of the result's shape. */
const resized = (op: Builder, name: string, inputs: Loaded["inputs"], batch: number): Loaded["inputs"] => {
  const index = Object.hasOwn(shapeInput, name) ? shapeInput[name]! : -1;
  const [first, ...rest] = constantOf(inputs[index]) ?? [];
  return first === 1 ? inputs.map((v, i) => (i === index ? op.ints([batch, ...rest]) : v)) : inputs;
};

/**
 * Loads a network for a batch: the images lie along the first axis of every value, and no node mixes them.
 *
 * @throws OnnxError for a node that may.
 */
export const lowerForBatch = (batch: number, lower: Lower | undefined): Lower => {
  /** Values that no image changes, though they are computed when the graph runs, such as weights that are dequantised. */
  const fixed = new Set<string>();
  return (op, { op: name, inputs, attributes }, outputs) => {
    const varying = inputs.filter((v): v is Value => v !== null && !v.constant && !fixed.has(v.name));
    const wanted = varying.length === 0 ? inputs : resized(op, name, inputs, batch);
    const values =
      lower?.(op, { op: name, inputs: wanted, attributes }, outputs) ??
      op.appendNode(name, wanted, attributes, outputs);
    if (varying.length === 0) for (const v of values) fixed.add(v.name);
    const results = values.filter((v) => !v.constant);
    if (varying.length === 0 || results.length === 0) return values;
    const node: Node = { name: outputs[0] ?? "", op: name, domain: "", inputs: [], outputs, attributes };
    const rank = varying[0]!.shape.length;
    const areBatches = [...varying, ...results].every(({ shape }) => shape[0] === batch);
    const areAlike = varying.every((v) => v.shape.length === rank);
    if (areBatches && areAlike && keepsApart.get(name)?.({ node, inputs, varying })) return values;
    throw new OnnxError("may mix the images of a batch", describe(node));
  };
};

/** The model with its input for a batch. @throws OnnxError for an operator that is decomposed, which may mix the images. */
export const forBatch = (model: Model, batch: number): Model => {
  const { graph } = model;
  const fused = graph.nodes.find(
    ({ op, domain }) => domain !== "" || (decomposableOperators.includes(op) && !keepsApart.has(op)),
  );
  if (fused) throw new OnnxError("may mix the images of a batch", describe(fused));
  const inputs = graph.inputs.map((info) => ({ ...info, shape: info.shape && [batch, ...info.shape.slice(1)] }));
  return { ...model, graph: { ...graph, inputs } };
};
