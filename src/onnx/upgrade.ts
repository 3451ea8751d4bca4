/**
 * Older forms of operators to their opset-21 form, so that everything behind the reader knows one form of each.
 * Sources: the operator changelog of ONNX, and onnxruntime's kernels where the specification is silent.
 */

import { numbersOf, tensorOf } from "../tensor.ts";
import { attributesOf } from "./attributes.ts";
import type { Builder } from "./build.ts";
import {
  OnnxError,
  describe,
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  stringOf,
  tensorAttributeOf,
  type Attributes,
  type Node,
} from "./graph.ts";
import { gridSampleMode } from "./infer/grid-sample.ts";
import { resizedAxes } from "./infer/resize.ts";
import { padAmounts } from "./infer/shape.ts";
import { constantInts, normaliseAxis, required, type Value } from "./value.ts";

/** A node in its opset-21 form, or the value that stands in its place. */
export type Upgraded =
  | { readonly op: string; readonly inputs: readonly (Value | null)[]; readonly attributes: Attributes }
  | Value;

export interface Context {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly op: Builder;
  readonly opset: number;
}

type Upgrade = (context: Context) => Upgraded;

const without = (attributes: Attributes, ...names: string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));

/** An attribute that became the input behind the present ones. */
const attributeToInput =
  (name: string, before: number): Upgrade =>
  ({ node, inputs, op, opset }) => {
    const ints = opset < before ? intsOf(node, name, undefined) : undefined;
    return {
      op: node.op,
      inputs: ints ? [inputs[0]!, op.ints(ints)] : inputs,
      attributes: without(node.attributes, name),
    };
  };

const Constant: Upgrade = ({ node, op }) => {
  const float = floatOf(node, "value_float", undefined);
  const int = intOf(node, "value_int", undefined);
  const floats = floatsOf(node, "value_floats", undefined);
  const ints = intsOf(node, "value_ints", undefined);
  if (float !== undefined) return op.constant(float);
  if (int !== undefined) return op.constant(int, "int64");
  if (floats) return op.tensor(tensorOf("float32", [floats.length], floats), node.outputs[0]);
  if (ints) return op.ints(ints);
  const value = tensorAttributeOf(node, "value", undefined);
  if (!value) throw new OnnxError("holds neither a tensor, a number nor a list of numbers", describe(node));
  return op.tensor(value, node.outputs[0]);
};

/** Before opset 13 the input was flattened to two dimensions at `axis` (default 1), and the softmax taken over the second. */
const softmax: Upgrade = ({ node, inputs, op, opset }) => {
  const x = required(node, inputs, 0);
  const raw = intOf(node, "axis", opset < 13 ? 1 : -1);
  const axis = normaliseAxis(node, raw, x.shape.length);
  const attributes: Attributes = { axis: { type: "int", value: axis } };
  if (opset >= 13 || axis === x.shape.length - 1) return { op: node.op, inputs, attributes };
  const flat = op.Flatten(x, { axis });
  const y = node.op === "Softmax" ? op.Softmax(flat, { axis: 1 }) : op.LogSoftmax(flat, { axis: 1 });
  return op.Reshape(y, op.ints(x.shape));
};

const Slice: Upgrade = ({ node, inputs, op, opset }) => {
  if (opset >= 10) return { op: "Slice", inputs, attributes: {} };
  const starts = intsOf(node, "starts", []);
  const axes = intsOf(
    node,
    "axes",
    starts.map((_, i) => i),
  );
  return {
    op: "Slice",
    inputs: [inputs[0]!, op.ints(starts), op.ints(intsOf(node, "ends", [])), op.ints(axes)],
    attributes: {},
  };
};

/** For every axis: where pads name theirs, onnxruntime's transpose optimiser (1.30) takes them for those of all axes. */
const Pad: Upgrade = ({ node, inputs, op, opset }) => {
  if (opset >= 11 && inputs[3]) {
    const { begin, end } = padAmounts(node, inputs);
    const pads = op.ints([...begin, ...end]);
    return { op: "Pad", inputs: [inputs[0]!, pads, inputs[2] ?? null], attributes: node.attributes };
  }
  if (opset >= 11) return { op: "Pad", inputs, attributes: node.attributes };
  const value = op.constant(floatOf(node, "value", 0), required(node, inputs, 0).dtype);
  return {
    op: "Pad",
    inputs: [inputs[0]!, op.ints(intsOf(node, "pads", [])), value],
    attributes: without(node.attributes, "pads", "value"),
  };
};

const Clip: Upgrade = ({ node, inputs, op, opset }) => {
  if (opset >= 11) return { op: "Clip", inputs, attributes: {} };
  const bound = (name: string) => {
    const value = floatOf(node, name, undefined);
    return value === undefined ? null : op.constant(value, required(node, inputs, 0).dtype);
  };
  return { op: "Clip", inputs: [inputs[0]!, bound("min"), bound("max")], attributes: {} };
};

const Split: Upgrade = ({ node, inputs, op, opset }) => {
  const attributes = without(node.attributes, "split", "num_outputs");
  if (inputs[1]) return { op: "Split", inputs, attributes };
  const x = required(node, inputs, 0);
  const raw = intOf(node, "axis", 0);
  const size = x.shape[normaliseAxis(node, raw, x.shape.length)]!;
  const chunk = Math.ceil(size / node.outputs.length);
  const even = node.outputs.map((_, i) => Math.max(0, Math.min(chunk, size - i * chunk)));
  return { op: "Split", inputs: [x, op.ints((opset < 13 && intsOf(node, "split", undefined)) || even)], attributes };
};

/**
 * Upsample, and Resize before opset 11: asymmetric; nearest takes the floor along axes that grow and the ceiling along
 * those that shrink, so that where there are both it takes two steps.
 */
const legacyResize: Upgrade = ({ node, inputs, op }) => {
  const x = required(node, inputs, 0);
  const scales = floatsOf(node, "scales", undefined);
  const given = scales ? op.tensor(tensorOf("float32", [scales.length], scales)) : required(node, inputs, 1);
  const factors = constantInts(node, given);
  const mode = stringOf(node, "mode", "nearest") === "nearest" ? "nearest" : "linear";
  const form = (nearest_mode: string) => ({ mode, coordinate_transformation_mode: "asymmetric", nearest_mode });
  const shrinks = factors.some((s) => s < 1);
  if (mode === "linear" || !shrinks || !factors.some((s) => s > 1)) {
    return {
      op: "Resize",
      inputs: [x, null, given],
      attributes: attributesOf("Resize", form(shrinks ? "ceil" : "floor")),
    };
  }
  const step = (f: (s: number) => number) => op.tensor(tensorOf("float32", [factors.length], factors.map(f)));
  const shrunk = op.Resize(
    x,
    null,
    step((s) => Math.min(s, 1)),
    form("ceil"),
  );
  const growth = step((s) => Math.max(s, 1));
  return { op: "Resize", inputs: [shrunk, null, growth], attributes: attributesOf("Resize", form("floor")) };
};

/**
 * onnxruntime computes the output's size ⌊scale · size⌋ in float32, and in its shape inference without rounding: 15 · 1.4 is 21 in one
 * and 20 in the other, and such a graph is refused. Along the axes where they differ, the size takes the place of the scale, where it
 * means the same scale.
 */
const consistentResize = (op: Builder, node: Node, inputs: readonly (Value | null)[]): Upgraded => {
  const [x, roi, scales] = inputs;
  const plain = { op: "Resize", inputs, attributes: node.attributes };
  const crops = stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  if (!x || !scales?.constant || inputs[3] || crops) return plain;
  const factors = numbersOf(scales.constant);
  const axes = resizedAxes(node, inputs);
  const isAmbiguous = axes.map(({ size, resized, scale }) => Math.floor(size * scale) !== resized);
  const isExact = axes.every(({ size, resized, scale }, i) => !isAmbiguous[i] || Math.fround(resized / size) === scale);
  if (factors.length !== axes.length || !isAmbiguous.includes(true) || !isExact) return plain;
  const sizes = op.ints(axes.map(({ size, resized }, i) => (isAmbiguous[i] ? resized : size)));
  const sized = op.append("Resize", [x, roi ?? null, null, sizes], node.attributes)[0]!;
  const rest = factors.map((factor, i) => (isAmbiguous[i] ? 1 : factor));
  if (rest.every((factor) => factor === 1)) return sized;
  return {
    op: "Resize",
    inputs: [sized, roi ?? null, op.tensor(tensorOf("float32", [rest.length], rest))],
    attributes: node.attributes,
  };
};

const Resize: Upgrade = (context) => {
  const { node, inputs, op, opset } = context;
  const now: Upgraded = opset < 11 ? legacyResize(context) : { op: "Resize", inputs, attributes: node.attributes };
  if (!("attributes" in now)) return now;
  const present = now.inputs.map((v) => (v && v.shape[0] === 0 ? null : v));
  return consistentResize(op, { ...node, attributes: now.attributes }, present);
};

/** In evaluation mode the identity; where its mask is named, a node that keeps everything. */
const Dropout: Upgrade = ({ node, inputs }) => {
  const training = inputs[2];
  if (training && !training.constant)
    throw new OnnxError(
      `its training_mode "${training.name}" is not constant; export in evaluation mode`,
      describe(node),
    );
  if (training?.constant?.data[0])
    throw new OnnxError("is in training mode; export the network in evaluation mode", describe(node));
  const x = required(node, inputs, 0);
  return node.outputs[1] ? { op: "Dropout", inputs: [x], attributes: {} } : x;
};

const BatchNormalization: Upgrade = ({ node, inputs }) => {
  if (intOf(node, "training_mode", 0) !== 0)
    throw new OnnxError("is in training mode; export in evaluation mode", describe(node));
  if (intOf(node, "spatial", 1) !== 1) throw new OnnxError("spatial = 0 is not supported", describe(node));
  return { op: node.op, inputs, attributes: without(node.attributes, "spatial", "momentum", "training_mode") };
};

/** Before opset 21 scale and bias were given per group; since then per channel. */
const GroupNormalization: Upgrade = ({ node, inputs, op, opset }) => {
  if (opset >= 21) return { op: node.op, inputs, attributes: node.attributes };
  const channels = required(node, inputs, 0).shape[1] ?? 0;
  const perChannel = (v: Value): Value => {
    const groups = v.shape[0] ?? 1;
    if (channels % groups !== 0)
      throw new OnnxError(`${channels} channels do not divide into ${groups} groups`, describe(node));
    const column = op.Reshape(v, op.ints([groups, 1]));
    return op.Reshape(op.Expand(column, op.ints([groups, channels / groups])), op.ints([channels]));
  };
  const [x, scale, bias] = [0, 1, 2].map((i) => required(node, inputs, i));
  return { op: node.op, inputs: [x!, perChannel(scale!), perChannel(bias!)], attributes: node.attributes };
};

const TopK: Upgrade = ({ node, inputs, op, opset }) => {
  const k = opset < 10 ? op.ints([intOf(node, "k", 1)]) : inputs[1];
  return { op: "TopK", inputs: [inputs[0]!, k!], attributes: without(node.attributes, "k") };
};

/** Before opset 20 there were two spatial axes, and the modes were named after them. */
const GridSample: Upgrade = ({ node, inputs }) => ({
  op: node.op,
  inputs,
  attributes: { ...node.attributes, mode: { type: "string", value: gridSampleMode(node) } },
});

const reduceAxes = attributeToInput("axes", 18);

/** Operators in whose place another operator, or a value, stands whatever their form. */
const replacements: Readonly<Record<string, Upgrade>> = {
  Constant,
  Upsample: Resize,
  Identity: ({ node, inputs }) => required(node, inputs, 0),
  CastLike: ({ node, inputs, op }) => op.cast(required(node, inputs, 0), required(node, inputs, 1).dtype),
  Scatter: ({ node, inputs }) => ({ op: "ScatterElements", inputs, attributes: node.attributes }),
};

const newForms: Readonly<Record<string, Upgrade>> = {
  Softmax: softmax,
  LogSoftmax: softmax,
  Slice,
  Pad,
  Clip,
  Split,
  Resize,
  Dropout,
  BatchNormalization,
  GroupNormalization,
  TopK,
  GridSample,
  Squeeze: attributeToInput("axes", 13),
  Unsqueeze: attributeToInput("axes", 13),
  ReduceSum: attributeToInput("axes", 13),
  ReduceMean: reduceAxes,
  ReduceMax: reduceAxes,
  ReduceMin: reduceAxes,
  ReduceProd: reduceAxes,
  ReduceL1: reduceAxes,
  ReduceL2: reduceAxes,
  ReduceLogSum: reduceAxes,
  ReduceLogSumExp: reduceAxes,
  ReduceSumSquare: reduceAxes,
};

const upgrades: Readonly<Record<string, Upgrade>> = { ...replacements, ...newForms };

/** Operators that no loaded graph has, and those of which it has the newest form only. */
export const replacedOperators: readonly string[] = Object.keys(replacements);
export const upgradedOperators: readonly string[] = Object.keys(newForms);

/** `node` of a model of version `opset`, in its opset-21 form. @throws OnnxError for training-mode nodes. */
export const upgrade = (context: Context): Upgraded => {
  const { node, inputs } = context;
  const convert = node.domain === "" && Object.hasOwn(upgrades, node.op) ? upgrades[node.op] : undefined;
  return convert?.(context) ?? { op: node.op, inputs, attributes: node.attributes };
};
