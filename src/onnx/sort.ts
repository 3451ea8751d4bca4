/** Topological sorting of nodes. */

import { OnnxError, describe, type Attribute, type Graph, type Node } from "./graph.ts";

/** The names that are defined outside the nodes. */
export interface Scope {
  has(name: string): boolean;
}

/** The names that a node reads: its inputs, and the names that its subgraphs capture. */
export const readsOf = (node: Node): string[] => [
  ...node.inputs.filter((name) => name !== ""),
  ...Object.values(node.attributes).flatMap(captured),
];

const captured = (attribute: Attribute): string[] => {
  if (attribute.type !== "graph") return [];
  const graph: Graph = attribute.value;
  const own = new Set([
    ...graph.inputs.map((v) => v.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((n) => n.outputs),
  ]);
  return [...graph.nodes.flatMap(readsOf), ...graph.outputs.map((v) => v.name)].filter((name) => !own.has(name));
};

/**
 * The nodes in topological order (Kahn 1962); nodes that are in order already keep their order.
 * @throws OnnxError for a value that is defined twice or never, and for a cycle.
 */
export const sortNodes = (nodes: readonly Node[], known: Scope, place: string): Node[] => {
  const producer = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    for (const output of node.outputs) {
      if (output === "") continue;
      if (known.has(output) || producer.has(output))
        throw new OnnxError(`value "${output}" is defined twice`, `${place}, ${describe(node)}`);
      producer.set(output, index);
    }
  }
  const waiting = nodes.map(() => 0);
  const consumers: number[][] = nodes.map(() => []);
  for (const [index, node] of nodes.entries()) {
    for (const name of new Set(readsOf(node))) {
      const source = producer.get(name);
      if (source !== undefined) {
        consumers[source]!.push(index);
        waiting[index]!++;
      } else if (!known.has(name)) {
        throw new OnnxError(`reads "${name}", which nothing defines`, `${place}, ${describe(node)}`);
      }
    }
  }
  const ordered = kahn(waiting, consumers);
  if (ordered.length < nodes.length) {
    const stuck = nodes.filter((_, i) => waiting[i]! > 0).slice(0, 3);
    throw new OnnxError(`the nodes form a cycle, among them ${stuck.map(describe).join("; ")}`, place);
  }
  return ordered.map((i) => nodes[i]!);
};

/** Indices in topological order; `waiting` is the number of inputs of each node that are not computed yet. */
const kahn = (waiting: number[], consumers: readonly (readonly number[])[]): number[] => {
  const inOrder = consumers.every((list, i) => list.every((c) => c > i));
  if (inOrder) {
    waiting.fill(0);
    return waiting.map((_, i) => i);
  }
  const ready = waiting.flatMap((count, i) => (count === 0 ? [i] : []));
  // The loop also visits the elements that it appends.
  for (const next of ready) for (const c of consumers[next]!) if (--waiting[c]! === 0) ready.push(c);
  return ready;
};
