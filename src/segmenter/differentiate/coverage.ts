/** The nodes that block the gradient of an output, under the names of the file. */

import { gradient, ruleOf } from "../../autodiff/gradient.ts";
import { UnsupportedOperatorError } from "../../autodiff/rule.ts";
import { createBuilder, type Builder } from "../../onnx/build.ts";
import { leadingTo, type Step } from "../../onnx/step.ts";
import { decomposableOperators } from "../../onnx/decompose.ts";
import { OnnxError, type Graph, type Node } from "../../onnx/graph.ts";
import { reasonAgainst } from "../../onnx/unsupported.ts";
import { replacedOperators } from "../../onnx/upgrade.ts";
import type { Value } from "../../onnx/value.ts";
import type { DType } from "../../tensor.ts";
import { adviceFor } from "./advice.ts";
import type { Loaded } from "./loaded.ts";

/** Status of an operator: it has a rule; it has no derivative (or one that is zero almost everywhere); it is unknown. */
export type Verdict = "rule" | "none" | "unsupported";

/** A node that blocks a gradient. */
export interface Fault {
  readonly node: string;
  readonly operator: string;
  readonly reason: string;
  readonly advice: string;
}

export interface Coverage {
  /** Whether the output would have a derivative by the source if the faults were corrected. */
  readonly reached: boolean;
  readonly faults: readonly Fault[];
  /** Nodes without a derivative at which the path from the source ends. */
  readonly ends: readonly Node[];
}

/** The operator, with its domain unless that is the standard one. */
export const qualified = ({ op, domain }: Pick<Node, "op" | "domain">): string =>
  domain === "" ? op : `${domain}.${op}`;

/** Operators that the loader decomposes into others, all of which have rules. */
const rewritten = new Set([...decomposableOperators, ...replacedOperators]);

/** The status by the operator's name alone. */
export const verdictOf = (node: Pick<Node, "op" | "domain">): Verdict => {
  const rule = ruleOf(node.op, node.domain);
  if (qualified(node) === "Constant") return "none";
  if (!rule) return rewritten.has(qualified(node)) ? "rule" : "unsupported";
  return typeof rule === "function" || rule.some(Boolean) ? "rule" : "none";
};

interface Link {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Follows the paths from `source`; `visit` returns the outputs of a link with a derivative by its inputs at `active`. */
const follow = <T extends Link>(
  links: readonly T[],
  source: string,
  target: string,
  visit: (link: T, active: readonly number[]) => readonly string[],
): boolean => {
  const reached = new Set([source]);
  for (const link of leadingTo(links, target)) {
    const active = link.inputs.flatMap((name, i) => (reached.has(name) ? [i] : []));
    if (active.length > 0) for (const name of visit(link, active)) reached.add(name);
  }
  return reached.has(target);
};

/** The result of differentiating one step alone. */
interface Finding {
  /** The reason of a refusal, or null. */
  readonly refusal: string | null;
  /** The outputs that have a derivative. */
  readonly carried: readonly string[];
}

/** Results by step, shared among the inputs and outputs of one loaded network. */
export type Findings = Map<string, Finding>;

/** Tries the gradient of `output` by `input` step by step on a loaded network, so that all blocking nodes are found at once. */
export const coverageOf = (
  { op, inputs, outputs, origin }: Loaded,
  output: string,
  input: string,
  findings: Findings = new Map(),
): Coverage => {
  const names = (values: Step["inputs"]) => values.map((v) => v?.name ?? "");
  const links = op.steps.map((step) => ({ step, inputs: names(step.inputs), outputs: names(step.outputs) }));
  const faults = new Map<string, Fault>();
  const ends: Node[] = [];
  const reached = follow(links, inputs[input]!.name, outputs[output]!.name, ({ step }, active) => {
    const key = `${step.node.name} ${active.join(" ")}`;
    const { refusal, carried } = findings.get(key) ?? tryStep(op, step, active);
    findings.set(key, { refusal, carried });
    const node = origin.get(step) ?? step.node;
    if (refusal !== null) faults.set(node.name, faultOf(node, refusal));
    else if (carried.length === 0) ends.push(node);
    return carried;
  });
  return { reached, faults: [...faults.values()], ends };
};

/** The same as `coverageOf` by the operators' names alone, for a network that cannot be loaded. */
export const coverageByName = (graph: Graph, output: string, input: string): Coverage => {
  const faults: Fault[] = [];
  const ends: Node[] = [];
  const reached = follow(graph.nodes, input, output, (node) => {
    const verdict = verdictOf(node);
    if (verdict === "unsupported") faults.push(faultOf(node, reasonAgainst(node) ?? noRule(qualified(node))));
    if (verdict === "none") ends.push(node);
    return verdict === "none" ? [] : node.outputs;
  });
  return { reached, faults, ends };
};

const noRule = (operator: string): string => `there is no gradient rule for ${operator}`;

const faultOf = (node: Node, reason: string): Fault => ({
  node: node.name,
  operator: qualified(node),
  reason,
  advice: adviceFor(node, reason),
});

/** Element types that have no gradient. */
const discrete = new Set<DType>(["bool", "int32", "int64", "uint32", "uint64"]);

/** Differentiates each output of one step alone by the inputs at `active`. */
const tryStep = (op: Builder, step: Step, active: readonly number[]): Finding => {
  const trial = createBuilder();
  const copies = step.inputs.map((v, i) => v && copyOf(op, trial, v, active.includes(i)));
  const sources = active.map((i) => copies[i]!);
  const { node, outputs } = step;
  try {
    const made = trial.appendNode(node.op, copies, node.attributes, node.outputs, node.domain);
    const carried = outputs.filter((_, i) => made[i] && !made[i].constant && passes(trial, made[i], sources));
    return { refusal: null, carried: carried.map((v) => v.name) };
  } catch (cause) {
    if (!(cause instanceof UnsupportedOperatorError || cause instanceof OnnxError)) throw cause;
    const refusal = cause instanceof UnsupportedOperatorError ? noRule(cause.operator) : cause.message;
    return { refusal, carried: outputs.filter((v) => !discrete.has(v.dtype)).map((v) => v.name) };
  }
};

/** Whether the gradient by a source depends on the cotangent of `y`; otherwise it is zero. */
const passes = (trial: Builder, y: Value, sources: readonly Value[]): boolean => {
  // The cotangent of integers between QuantizeLinear and DequantizeLinear is float.
  const seed = trial.input("seed", y.dtype === "float64" ? y.dtype : "float32", y.shape);
  const gradients = gradient(trial, y, sources, seed);
  const dependent = new Set([seed.name]);
  for (const { inputs, outputs } of trial.steps)
    if (inputs.some((v) => v && dependent.has(v.name))) for (const v of outputs) dependent.add(v.name);
  return gradients.some((dx) => dependent.has(dx.name));
};

/** An input of a step on its own: an input of the graph, or the same constant (also int8 weights with their DequantizeLinear). */
const copyOf = (op: Builder, trial: Builder, value: Value, active: boolean): Value => {
  if (value.constant) return trial.tensor(value.constant, value.name);
  const producer = active ? undefined : op.producer(value);
  const known = producer?.inputs.every((v) => !v || v.constant);
  if (!producer || !known) return trial.input(value.name, value.dtype, value.shape);
  const { node } = producer;
  const inputs = producer.inputs.map((v) => v && trial.tensor(v.constant!, v.name));
  const outputs = trial.appendNode(node.op, inputs, node.attributes, node.outputs, node.domain);
  return outputs[producer.outputs.findIndex((v) => v.name === value.name)]!;
};
