/** A network loaded into a builder, with the node of the file that each step stems from. */

import { lowerForGradient } from "../../lowering/wasm/rewrites.ts";
import { createBuilder, type Builder } from "../../onnx/build.ts";
import { readsOf } from "../../onnx/sort.ts";
import type { Step } from "../../onnx/step.ts";
import { OnnxError, describe, type Graph, type Model, type Node } from "../../onnx/graph.ts";
import { load } from "../../onnx/load.ts";
import type { Value } from "../../onnx/value.ts";

export interface Loaded {
  readonly op: Builder;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  readonly origin: ReadonlyMap<Step, Node>;
}

/** The inputs of the network, as inputs of the graph under construction. */
export const declareInputs = (
  op: Builder,
  graph: Graph,
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, Value> =>
  Object.fromEntries(graph.inputs.map(({ name, dtype }) => [name, op.input(name, dtype, shapes[name]!)]));

/** The inputs alone, which suffice to check their shapes. */
const signature = (model: Model): Model => ({
  ...model,
  graph: { ...model.graph, initializers: new Map(), nodes: [], outputs: [] },
});

/** A model of one node, with the current types of its inputs. */
const alone = (model: Model, node: Node, inputs: Readonly<Record<string, Value>>): Model => {
  const outputs = node.outputs.filter((name) => name !== "");
  const graph: Graph = {
    name: model.graph.name,
    inputs: Object.entries(inputs).map(([name, { dtype }]) => ({ name, dtype, shape: null })),
    outputs: outputs.map((name) => ({ name, dtype: "float32", shape: null })),
    initializers: new Map(),
    nodes: [node],
  };
  return { ...model, graph };
};

/**
 * The network, lowered as for its gradient and loaded node by node.
 *
 * @throws OnnxError that names the node where the shapes are invalid.
 */
export const loadAt = (model: Model, shapes: Readonly<Record<string, readonly number[]>>): Loaded => {
  const { graph } = model;
  const op = createBuilder(graph.name);
  const inputs = declareInputs(op, graph, shapes);
  const origin = new Map<Step, Node>();
  load(createBuilder(), signature(model), inputs);
  const values = new Map(Object.entries(inputs));
  for (const [name, t] of graph.initializers) values.set(name, op.tensor(t, name));
  for (const node of graph.nodes) {
    const known = readsOf(node).map((name) => [name, values.get(name)!] as const);
    const traced = op.steps.length;
    for (const [name, value] of Object.entries(loadNode(op, model, node, Object.fromEntries(known))))
      values.set(name, value);
    for (const step of op.steps.slice(traced)) origin.set(step, node);
  }
  const outputs = Object.fromEntries(graph.outputs.map(({ name }) => [name, values.get(name)!]));
  return { op, inputs, outputs, origin };
};

/** Errors name the node of the file, not the nodes that it was rewritten to. */
const loadNode = (op: Builder, model: Model, node: Node, inputs: Readonly<Record<string, Value>>) => {
  try {
    return load(op, alone(model, node, inputs), inputs, lowerForGradient);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    throw new OnnxError(cause.message.slice(cause.place.length + 2), describe(node), { cause });
  }
};
