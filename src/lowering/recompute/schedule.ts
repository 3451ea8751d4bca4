/** A gradient's graph as an order of execution, and the file that makes onnxruntime keep to it. */

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

/** The graph's nodes are in the order of execution. */
export interface Schedule extends TypedGraph {
  /** How many of its nodes belong to the forward pass; the others come after them. */
  readonly turn: number;
  /** The value of the plain graph that each value made again stands for. */
  readonly origin: ReadonlyMap<string, string>;
}

/** Masks of forward values, which are made in the forward pass, whoever reads them. */
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
 * The forward pass, what all outputs but `gradients` need and the masks, in the order in which onnxruntime would execute the
 * graph as it is; then the backward pass as the builder made it, where each node stands just before those that need it.
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

/** Which nodes' results depend on the graph's inputs; the others are as good as weights. */
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

/** How many nodes read each value. */
export const readersOf = (nodes: readonly Node[]): ReadonlyMap<string, number> => {
  const readers = new Map<string, number>();
  for (const { op, inputs } of nodes)
    if (op !== "Identity") for (const name of new Set(inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
  return readers;
};

/**
 * The file that onnxruntime executes in the schedule's order: depth first, from the nodes that nothing reads, last in the file
 * first. So each node that the next one does not read gets such a node, its first element. But onnxruntime fuses a convolution
 * with its only reader, and a graph fused otherwise rounds otherwise: what had one reader in `plain` keeps to one where that
 * matters, and waits for it; what had several is not left with one.
 */
export const filed = ({ graph, types, turn, origin }: Schedule, plain: Graph): TypedGraph => {
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
