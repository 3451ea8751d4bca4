/**
 * Rewrites a graph in operators for which onnxruntime's WebGPU provider has kernels, so that all of it runs on the GPU: a node on
 * the CPU costs copies in both directions and prevents graph capture. Applied to whole graphs, including gradients and objectives.
 */

import { createBuilder } from "../../onnx/build.ts";
import { OnnxError, type Model, type ValueInfo } from "../../onnx/graph.ts";
import { load, type Lower } from "../../onnx/load.ts";
import type { Value } from "../../onnx/value.ts";
import * as conv from "./conv.ts";
import * as elementwise from "./elementwise.ts";
import { GatherND, GridSample, ScatterND } from "./gather.ts";
import * as integer from "./integer.ts";
import * as normalization from "./normalization.ts";
import * as pool from "./pool.ts";
import * as quantize from "./quantize.ts";
import { nodeOf, nothingKnown, written, type GpuRule, type Known } from "./rule.ts";
import { withJointSlopes } from "./slopes.ts";
import * as strided from "./strided.ts";
import * as types from "./types.ts";

const { unified, ...typed } = types;
const { Conv, Relu } = integer;
type Rules = Readonly<Record<string, GpuRule>>;
/** The first pass: rules whose results contain, or that look for, operators that have rules themselves. */
const first: Rules = { GridSample, Conv: strided.Conv };
/** The last pass: rules for operators that other rules may have written. */
const last: Rules = conv;
const rules: Rules = {
  GatherND,
  ScatterND,
  ...elementwise,
  ...normalization,
  ...pool,
  ...quantize,
  Conv,
  Relu,
  ...typed,
};

/** Operators that are rewritten for WebGPU, some of them only in forms without a kernel. */
export const gpuLoweredOperators: readonly string[] = [
  ...new Set([first, rules, last].flatMap((some) => Object.keys(some))),
];

/** The inputs without absent ones at the end: Conv takes an absent bias in its list of inputs for a bias of rank 0, and fails at run time. */
const withoutTrailing = (inputs: readonly (Value | null)[]): readonly (Value | null)[] =>
  inputs.at(-1) === null ? withoutTrailing(inputs.slice(0, -1)) : inputs;

const lowerWith =
  (rules: Rules, known: Known): Lower =>
  (op, { op: name, inputs, attributes }, outputs) => {
    const like = unified(op, name, withoutTrailing(inputs));
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    const lowered = rule?.({ op, known, node: nodeOf(name, attributes, outputs) }, ...like);
    return lowered ?? (like === inputs ? null : op.appendNode(name, like, attributes, outputs));
  };

const fixedShape = ({ name, shape }: ValueInfo): readonly number[] => {
  const fixed = shape?.filter((d) => typeof d === "number");
  if (fixed && fixed.length === shape?.length) return fixed;
  throw new OnnxError("its size is not fixed", `input "${name}"`);
};

/** The model with its nodes rewritten by the rules; inputs, outputs and values stay the same. */
const rewritten = (model: Model, by: Rules): Model => {
  const op = createBuilder(model.graph.name);
  const inputs = model.graph.inputs.map((info) => [info.name, op.input(info.name, info.dtype, fixedShape(info))]);
  const values = load(op, model, Object.fromEntries(inputs), lowerWith(by, nothingKnown()));
  // Outputs are cast from the type in which they are represented to their own type.
  return op.model(
    Object.fromEntries(
      model.graph.outputs.map(({ name, dtype }) => [name, written(op, op.cast(values[name]!, dtype))]),
    ),
  );
};

/** The model for WebGPU. A node with neither kernel nor rule stays as it is (see `offGpu`). */
export const lowerForWebGpu = (model: Model): Model => {
  const composed = model.graph.nodes.some(({ op }) => Object.hasOwn(first, op));
  return withJointSlopes(rewritten(rewritten(composed ? rewritten(model, first) : model, rules), last));
};
