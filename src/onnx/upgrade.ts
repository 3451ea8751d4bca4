/**
 * Converts older and newer forms of operators to their opset-21 form, the only form that the rest of Faultline handles. Sources: the
 * operator changelog of ONNX, and onnxruntime's kernels where the specification does not define the behaviour.
 */

import { tensorOf } from "../tensor.ts";
import { OnnxError, describe, floatOf, floatsOf, intOf, intsOf, stringOf, tensorAttributeOf } from "./graph.ts";
import { gridSampleMode } from "./infer/grid-sample.ts";
import { padAmounts } from "./infer/shape.ts";
import { BatchNormalization, Dropout, GroupNormalization, softmax } from "./upgrade/normalisation.ts";
import { Resize } from "./upgrade/resize.ts";
import { without, type Context, type Upgrade, type Upgraded } from "./upgrade/rule.ts";
import { Cast, DequantizeLinear, QuantizeLinear } from "./upgrade/types.ts";
import { normaliseAxis, required } from "./value.ts";

/** Converts an attribute to an input, which is appended. */
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

/** The pads are given for every axis, because onnxruntime's transpose optimiser (1.30) ignores the input `axes` of Pad. */
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

const TopK: Upgrade = ({ node, inputs, op, opset }) => {
  const k = opset < 10 ? op.ints([intOf(node, "k", 1)]) : inputs[1];
  return { op: "TopK", inputs: [inputs[0]!, k!], attributes: without(node.attributes, "k") };
};

/** Before opset 20 there were only two spatial axes, and the modes were called bilinear and bicubic. */
const GridSample: Upgrade = ({ node, inputs }) => ({
  op: node.op,
  inputs,
  attributes: { ...node.attributes, mode: { type: "string", value: gridSampleMode(node) } },
});

/** Since opset 28, the remainder of floats may have the sign of the divisor: fmod(a, b), plus b where the signs of the two differ. */
const Mod: Upgrade = ({ node, inputs, op, opset }) => {
  const [a, b] = [required(node, inputs, 0), required(node, inputs, 1)];
  const isTruncated = intOf(node, "fmod", 0) === 1;
  if (opset < 28 || isTruncated || !a.dtype.startsWith("float"))
    return { op: "Mod", inputs, attributes: node.attributes };
  const zero = op.constant(0, a.dtype);
  const rest = op.append("Mod", [a, b], { fmod: 1 })[0]!;
  const isOpposite = op.Or(
    op.And(op.Less(rest, zero), op.Greater(b, zero)),
    op.And(op.Greater(rest, zero), op.Less(b, zero)),
  );
  return op.Where(isOpposite, op.Add(rest, b), rest);
};

/** Since opset 28 the channels may also come first within a block, as in DepthToSpace's CRD. */
const SpaceToDepth: Upgrade = ({ node, inputs, op }) => {
  const attributes = without(node.attributes, "mode");
  if (stringOf(node, "mode", "DCR") === "DCR") return { op: "SpaceToDepth", inputs, attributes };
  const x = required(node, inputs, 0);
  const block = intOf(node, "blocksize", 0);
  const [n = 0, c = 0, h = 0, w = 0] = x.shape;
  if (x.shape.length !== 4 || block < 1 || h % block !== 0 || w % block !== 0)
    throw new OnnxError(`[${x.shape.join(", ")}] does not divide into blocks of ${block}`, describe(node));
  const [rows, columns] = [h / block, w / block];
  const blocks = op.Reshape(x, op.ints([n, c, rows, block, columns, block]));
  const moved = op.Transpose(blocks, { perm: [0, 1, 3, 5, 2, 4] });
  return op.Reshape(moved, op.ints([n, c * block * block, rows, columns]));
};

/** Since opset 27 it says in which precision halves are accumulated; they are in single precision. */
const Range: Upgrade = ({ node, inputs }) => ({
  op: "Range",
  inputs,
  attributes: without(node.attributes, "stash_type"),
});

const reduceAxes = attributeToInput("axes", 18);

/** Operators that are always replaced by another operator or a value. */
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
  Mod,
  Range,
  SpaceToDepth,
  GridSample,
  Cast,
  DequantizeLinear,
  QuantizeLinear,
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

/** Operators that do not occur in loaded graphs, and operators that occur in their opset-21 form only. */
export const replacedOperators: readonly string[] = Object.keys(replacements);
export const upgradedOperators: readonly string[] = Object.keys(newForms);

/** A node of a model of version `opset` in its opset-21 form. @throws OnnxError for nodes in training mode. */
export const upgrade = (context: Context): Upgraded => {
  const { node, inputs } = context;
  const convert = node.domain === "" && Object.hasOwn(upgrades, node.op) ? upgrades[node.op] : undefined;
  return convert?.(context) ?? { op: node.op, inputs, attributes: node.attributes };
};
