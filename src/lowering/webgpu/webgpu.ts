/**
 * A graph in operators that onnxruntime's WebGPU provider has kernels for, so that all of it runs on the GPU: a node on the
 * CPU costs a copy there and back, and forbids to capture the graph. Applied to whole graphs, gradients and objectives included.
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
import * as types from "./types.ts";

const { unified, ...typed } = types;
const { Conv, Relu } = integer;
type Rules = Readonly<Record<string, GpuRule>>;
/** Into operators that have rules themselves. */
const first: Rules = { GridSample };
/** What the others may have written as well. */
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

/** Operators that are written with others for WebGPU, some only in forms that have no kernel. */
export const gpuLoweredOperators: readonly string[] = [
  ...new Set([first, rules, last].flatMap((some) => Object.keys(some))),
];

/** Conv takes an absent bias, where it stands among the inputs, for one of rank 0, and fails when it runs. */
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

/** The same inputs, outputs and values, nodes written by the rules. */
const rewritten = (model: Model, by: Rules): Model => {
  const op = createBuilder(model.graph.name);
  const inputs = model.graph.inputs.map((info) => [info.name, op.input(info.name, info.dtype, fixedShape(info))]);
  const values = load(op, model, Object.fromEntries(inputs), lowerWith(by, nothingKnown()));
  // Back from the types in which values are carried.
  return op.model(
    Object.fromEntries(
      model.graph.outputs.map(({ name, dtype }) => [name, written(op, op.cast(values[name]!, dtype))]),
    ),
  );
};

/** The model for WebGPU. What has neither kernel nor rule stays as it is (`offGpu`). */
export const lowerForWebGpu = (model: Model): Model => {
  const composed = model.graph.nodes.some(({ op }) => Object.hasOwn(first, op));
  return rewritten(rewritten(composed ? rewritten(model, first) : model, rules), last);
};
