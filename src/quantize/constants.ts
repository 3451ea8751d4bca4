/** Folding of what a graph computes from constants alone; sizes that are symbols stay symbols. */

import { createBuilder } from "../onnx/build.ts";
import { decompose } from "../onnx/decompose.ts";
import type { Model } from "../onnx/graph.ts";
import { prune } from "../onnx/passes/prune.ts";
import { upgrade } from "../onnx/upgrade.ts";
import type { Value } from "../onnx/value.ts";
import { sizeOf, type Tensor } from "../tensor.ts";

/** Larger constants (weights) are never computed with. */
const MAX_ELEMENTS = 4096;

/**
 * The model with every node gone whose inputs are small constants and whose result is one: exporters write such chains
 * around Pad and Reshape. Operators keep their form. Returns `model` itself where there is nothing to do.
 */
export const foldConstants = (model: Model): Model => {
  const { graph, opset } = model;
  const op = createBuilder();
  const constants = new Map<string, Value>();
  const know = (name: string, t: Tensor): void => {
    if (sizeOf(t.shape) <= MAX_ELEMENTS) constants.set(name, op.tensor(t, name));
  };
  for (const [name, t] of graph.initializers) know(name, t);
  const folded = new Map<string, Tensor>();
  const nodes = graph.nodes.filter((node) => {
    const inputs = node.inputs.map((name) => (name === "" ? null : constants.get(name)));
    const [output] = node.outputs;
    if (node.domain !== "" || node.outputs.length !== 1 || output === undefined) return true;
    if (graph.outputs.some((v) => v.name === output) || !inputs.every((v) => v !== undefined)) return true;
    const context = { node, inputs, op, opset };
    const upgraded = decompose(context)?.[0] ?? upgrade(context);
    const value = "op" in upgraded ? op.appendNode(upgraded.op, upgraded.inputs, upgraded.attributes)[0] : upgraded;
    if (!value?.constant) return true;
    folded.set(output, value.constant);
    know(output, value.constant);
    return false;
  });
  if (folded.size === 0) return model;
  const initializers = new Map([...graph.initializers, ...folded]);
  return { ...model, graph: prune({ ...graph, initializers, nodes }) };
};
