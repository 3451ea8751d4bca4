/** Appends a model to a builder, with fixed sizes, operators in their opset-21 form and constants folded. */

import type { Builder } from "./build.ts";
import { decompose } from "./decompose.ts";
import { OnnxError, describe, type Graph, type Model, type Node, type ValueInfo } from "./graph.ts";
import type { Context, Upgraded } from "./upgrade/rule.ts";
import { upgrade } from "./upgrade.ts";
import type { Value } from "./value.ts";

/** Checks `wanted` against the declared shape of an input: fixed sizes must be equal, unknown and symbolic sizes may have any value. */
const fixShape = (info: ValueInfo, wanted: readonly number[]): void => {
  const matches =
    info.shape === null ||
    (info.shape.length === wanted.length && info.shape.every((d, i) => typeof d !== "number" || d === wanted[i]));
  if (!matches) {
    throw new OnnxError(
      `is [${info.shape?.map((d) => d ?? "?").join(", ")}], cannot be [${wanted.join(", ")}]`,
      `input "${info.name}"`,
    );
  }
};

/** Rewrites a node: returns its outputs, or null to leave the node as it is. */
export type Lower = (
  op: Builder,
  node: Exclude<Upgraded, Value>,
  outputs: readonly string[],
) => readonly Value[] | null;

/**
 * Appends the graph of `model` to `op` with the given values as inputs, whose shapes determine all others.
 *
 * @param lower is called for each node and may rewrite it.
 * @returns the values of the graph's outputs by name.
 * @throws OnnxError if an input is missing or does not fit, or if a shape depends on data.
 */
export const load = (
  op: Builder,
  model: Model,
  inputs: Readonly<Record<string, Value>>,
  lower?: Lower,
): Record<string, Value> => {
  const { graph } = model;
  const values = new Map<string, Value>();
  for (const info of graph.inputs) {
    const given = Object.hasOwn(inputs, info.name) ? inputs[info.name] : undefined;
    if (!given) {
      throw new OnnxError(`is not given; given: ${Object.keys(inputs).join(", ") || "none"}`, `input "${info.name}"`);
    }
    if (given.dtype !== info.dtype)
      throw new OnnxError(`is ${info.dtype}, cannot be ${given.dtype}`, `input "${info.name}"`);
    fixShape(info, given.shape);
    values.set(info.name, given);
  }
  const outputs = appended(graph, values, () => undefined, { op, opset: model.opset, lower });
  return Object.fromEntries(graph.outputs.map(({ name }, i) => [name, outputs[i]!]));
};

interface Loading {
  readonly op: Builder;
  readonly opset: number;
  readonly lower: Lower | undefined;
}

type Lookup = (name: string) => Value | undefined;

/**
 * Appends the nodes of a graph, or of a branch, and returns its outputs in order.
 *
 * @param own its inputs by name, to which its other values are added.
 * @param around finds the values of the graphs around a branch.
 */
const appended = (graph: Graph, own: Map<string, Value>, around: Lookup, loading: Loading): readonly Value[] => {
  const { op, opset, lower } = loading;
  const valueOf: Lookup = (name) => own.get(name) ?? around(name);
  for (const [name, t] of graph.initializers) own.set(name, op.tensor(t, name));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? null : valueOf(name)!));
    const context = { node, inputs, op, opset };
    const branch = branchOf(node, inputs);
    const outputs = branch
      ? appended(branch, new Map(), valueOf, loading)
      : (decompose(context) ?? upgradedOutputs(context, lower));
    for (const [i, name] of node.outputs.entries()) if (name !== "" && outputs[i]) own.set(name, outputs[i]);
  }
  return graph.outputs.map(({ name }) => valueOf(name)!);
};

/**
 * The branch of an If whose condition is known once the sizes are: exporters write one, for example, to drop an axis if its size is 1.
 * Undefined for other nodes; an If that is left to the data is then refused as an operator.
 */
const branchOf = (node: Node, [condition]: readonly (Value | null)[]): Graph | undefined => {
  if (node.op !== "If" || node.domain !== "" || !condition?.constant) return undefined;
  const { dtype, data } = condition.constant;
  if (dtype !== "bool" || data.length !== 1)
    throw new OnnxError(`its condition is ${data.length} of ${dtype}, not one bool`, describe(node));
  const name = data[0] ? "then_branch" : "else_branch";
  const branch = node.attributes[name];
  if (branch?.type !== "graph") throw new OnnxError(`has no graph ${name}`, describe(node));
  const { inputs, outputs } = branch.value;
  if (inputs.length > 0 || outputs.length !== node.outputs.length) {
    const given = `${inputs.length} inputs and ${outputs.length} outputs`;
    throw new OnnxError(`its ${name} has ${given}, not 0 and ${node.outputs.length}`, describe(node));
  }
  return branch.value;
};

/** The outputs of a node in its opset-21 form. */
const upgradedOutputs = (context: Context, lower: Lower | undefined): readonly Value[] => {
  const { node, op } = context;
  const upgraded = upgrade(context);
  if (!("op" in upgraded)) return [upgraded];
  return (
    lower?.(op, upgraded, node.outputs) ??
    op.appendNode(upgraded.op, upgraded.inputs, upgraded.attributes, node.outputs, node.domain)
  );
};
