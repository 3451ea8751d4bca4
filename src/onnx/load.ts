/** Appends a model to a builder, with fixed sizes, operators in their opset-21 form and constants folded. */

import type { Builder } from "./build.ts";
import { decompose } from "./decompose.ts";
import { OnnxError, type Graph, type Model, type ValueInfo } from "./graph.ts";
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
  for (const [name, t] of graph.initializers) values.set(name, op.tensor(t, name));
  for (const node of graph.nodes) {
    const nodeInputs = node.inputs.map((name) => (name === "" ? null : values.get(name)!));
    const context = { node, inputs: nodeInputs, op, opset: model.opset };
    const outputs = decompose(context) ?? upgradedOutputs(context, lower);
    for (const [i, name] of node.outputs.entries()) if (name !== "" && outputs[i]) values.set(name, outputs[i]);
  }
  return outputsOf(graph, values);
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

const outputsOf = (graph: Graph, values: ReadonlyMap<string, Value>): Record<string, Value> =>
  Object.fromEntries(graph.outputs.map(({ name }) => [name, values.get(name)!]));
