/** The gradient graph in an order of execution, and the file that makes onnxruntime follow this order. */

import type { Graph, Node } from "../../onnx/graph.ts";
import { prune } from "../../onnx/passes/prune.ts";
import type { TensorType } from "../../onnx/value.ts";
import type { Tensor } from "../../tensor.ts";
import { isCheap } from "./cost.ts";
import { firstElement, isMask, orderForMemory } from "../wasm/rewrites.ts";

/** A graph, and the types of its values. */
export interface TypedGraph {
  readonly graph: Graph;
  readonly types: ReadonlyMap<string, TensorType>;
}

/** A graph whose nodes are in the order of execution. */
export interface Schedule extends TypedGraph {
  /** The number of nodes of the forward pass; the nodes of the backward pass follow. */
  readonly turn: number;
  /** The value of the plain graph that each recomputed value replaces. */
  readonly origin: ReadonlyMap<string, string>;
}

/** Masks of forward values; they are computed in the forward pass even if only the backward pass reads them. */
const masksOf = (nodes: readonly Node[], forward: ReadonlySet<Node>): ReadonlySet<Node> => {
  const late = new Set(nodes.filter((n) => !forward.has(n)).flatMap((n) => n.outputs));
  return new Set(
    nodes.filter((node) => {
      const early = !forward.has(node) && isMask(node) && !node.inputs.some((name) => late.has(name));
      if (early) for (const name of node.outputs) late.delete(name);
      return early;
    }),
  );
};

/**
 * The forward pass (the nodes that outputs other than `gradients` need, and the masks) in the order in which onnxruntime would
 * execute the plain graph; then the backward pass in the builder's order, in which each node directly precedes its readers.
 */
export const scheduleOf = (
  { graph, types }: TypedGraph,
  gradients: readonly string[],
  order: (graph: Graph) => readonly string[],
): Schedule => {
  const results = graph.outputs.map((v) => v.name).filter((name) => !gradients.includes(name));
  const forward = new Set(prune(graph, results).nodes);
  const early = new Set([...forward, ...masksOf(graph.nodes, forward)]);
  const places = new Map(order(orderForMemory(graph, types)).map((name, i) => [name, i] as const));
  const placeOf = ({ inputs, outputs }: Node): number =>
    outputs.map((name) => places.get(name)).find((place) => place !== undefined) ??
    Math.max(...inputs.map((name) => places.get(name) ?? -1));
  const first = graph.nodes.filter((n) => early.has(n)).toSorted((a, b) => placeOf(a) - placeOf(b));
  const nodes = [...first, ...graph.nodes.filter((n) => !early.has(n))];
  return { graph: { ...graph, nodes }, types, turn: first.length, origin: new Map() };
};

/** The nodes whose results depend on the graph's inputs; the results of the others are constants. */
export const variable = ({ inputs, nodes }: Graph): ReadonlySet<Node> => {
  const names = new Set(inputs.map((v) => v.name));
  return new Set(
    nodes.filter((node) => {
      const varies = node.inputs.some((name) => names.has(name));
      if (varies) for (const name of node.outputs) names.add(name);
      return varies;
    }),
  );
};

/** The number of nodes that read each value, not counting Identity nodes. */
export const readersOf = (nodes: readonly Node[]): ReadonlyMap<string, number> => {
  const readers = new Map<string, number>();
  for (const { op, inputs } of nodes)
    if (op !== "Identity") for (const name of new Set(inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
  return readers;
};

/**
 * The file that onnxruntime executes in the order of the schedule. It executes depth first from the sinks (nodes whose results
 * nothing reads), the last sink in the file first. A node whose result the next node does not read therefore gets a sink, which
 * reads its first element. onnxruntime fuses a convolution with its only reader, and other fusions change the rounding. A value
 * with one reader in `plain` therefore keeps one reader where a fusion depends on it, and a value with several is never left
 * with one.
 */
export const orderedFile = ({ graph, types, turn, origin }: Schedule, plain: Graph): TypedGraph => {
  const { nodes } = graph;
  const varying = variable(graph);
  const [before, now] = [readersOf(plain.nodes), readersOf(nodes)];
  const copies = new Set(nodes.filter(({ op, outputs }) => op === "Identity" && !now.has(outputs[0]!)));
  const others = nodes.filter((n) => !copies.has(n));
  const forced = others.filter((n) => varying.has(n));
  const copiesBySource = new Map<string, Node[]>();
  for (const copy of copies) {
    const [source = ""] = copy.inputs;
    const known = copiesBySource.get(source);
    if (known) known.push(copy);
    else copiesBySource.set(source, [copy]);
  }
  const copiesOf = (name: string): readonly Node[] => copiesBySource.get(name) ?? [];
  const zeros = new Map<string, Tensor>();
  const allTypes = new Map(types);
  const firstOf = (name: string): Node => {
    const { dtype, shape } = types.get(name)!;
    const [node, [index, place]] = firstElement(`first_of_${name}`, name, shape.length);
    zeros.set(index, place);
    allTypes.set(index, place);
    allTypes.set(node.name, { dtype, shape: [1] });
    return node;
  };
  const forks = (name: string): boolean => (before.get(origin.get(name) ?? name) ?? 0) > 1;
  const quantized = new Set(nodes.flatMap(({ op, inputs }) => (op === "QuantizeLinear" ? inputs.slice(0, 1) : [])));
  const repeats = (node: Node | undefined): boolean => node?.outputs.some((name) => origin.has(name)) ?? false;
  const late = new Set(nodes.slice(turn));
  const isSink = ({ outputs }: Node): boolean => !outputs.some((name) => now.has(name));
  const sinks = forced.map((node, i): Node[] => {
    const made = node.outputs.filter((name) => name !== "");
    const ends = made.flatMap(copiesOf);
    if (isSink(node)) return [node, ...ends];
    const next = forced[i + 1];
    const jumps = next !== undefined && !next.inputs.some((name) => made.includes(name));
    const resumes = late.has(node) && !repeats(node) && repeats(next);
    const fuses = (name: string): boolean => !forks(name) && (!isCheap(node) || quantized.has(name));
    const leaves = made.filter(
      (name, k) => (forks(name) && now.get(name) === 1) || (k === 0 && jumps && (!fuses(name) || resumes)),
    );
    return [...ends, ...leaves.filter((name) => types.get(name)!.shape.length > 0).map(firstOf)];
  });
  const last = new Set(sinks.flat());
  return {
    graph: {
      ...graph,
      nodes: [
        ...others.filter((n) => !last.has(n)),
        ...sinks.toReversed().flat(),
        ...[...copies].filter((n) => !last.has(n)),
      ],
      initializers: new Map([...graph.initializers, ...zeros]),
    },
    types: allTypes,
  };
};
