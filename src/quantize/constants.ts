/** Constant folding on a model as it was read: operators keep their form, and symbolic sizes stay symbolic. */

import { createBuilder } from "../onnx/build.ts";
import { decompose } from "../onnx/decompose.ts";
import type { Model } from "../onnx/graph.ts";
import { prune } from "../onnx/passes/prune.ts";
import { upgrade } from "../onnx/upgrade.ts";
import type { Value } from "../onnx/value.ts";
import { sizeOf, type Tensor } from "../tensor.ts";

/** Larger constants, which are weights, are not folded. */
const MAX_ELEMENTS = 4096;

/**
 * The model without the nodes whose inputs and result are small constants. Exporters write chains of such nodes around Pad and
 * Reshape. Returns `model` itself if there is no such node.
 */
export const foldConstants = (model: Model): Model => {
  const { graph, opset } = model;
  const op = createBuilder();
  const constants = new Map<string, Value>();
  const register = (name: string, t: Tensor): void => {
    if (sizeOf(t.shape) <= MAX_ELEMENTS) constants.set(name, op.tensor(t, name));
  };
  for (const [name, t] of graph.initializers) register(name, t);
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
    register(output, value.constant);
    return false;
  });
  if (folded.size === 0) return model;
  const initializers = new Map([...graph.initializers, ...folded]);
  return { ...model, graph: prune({ ...graph, initializers, nodes }) };
};
