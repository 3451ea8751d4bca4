/** Removal of nodes and initializers that no output needs. */

import { OnnxError, type Graph } from "../graph.ts";
import { readsOf } from "../sort.ts";

/**
 * The graph with only the nodes and initializers that `outputs` need, including values that subgraphs capture. The inputs stay,
 * because they are the graph's signature. Returns `graph` itself if there is nothing to remove.
 *
 * @param outputs names of the graph outputs to keep; all by default.
 * @throws OnnxError if one of them is not an output of the graph.
 */
export const prune = (graph: Graph, outputs: readonly string[] = graph.outputs.map((v) => v.name)): Graph => {
  const wanted = new Set(outputs);
  const kept = graph.outputs.filter((v) => wanted.has(v.name));
  if (kept.length < wanted.size) {
    const names = graph.outputs.map((v) => v.name);
    const unknown = outputs.find((name) => !names.includes(name));
    throw new OnnxError(`"${unknown}" is not among the outputs ${names.join(", ")}`, `graph "${graph.name}"`);
  }
  const needed = new Set(wanted);
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((name) => needed.has(name))) return false;
      for (const name of readsOf(node)) needed.add(name);
      return true;
    })
    .toReversed();
  const initializers = new Map([...graph.initializers].filter(([name]) => needed.has(name)));
  const same =
    nodes.length === graph.nodes.length &&
    initializers.size === graph.initializers.size &&
    kept.length === graph.outputs.length;
  return same ? graph : { ...graph, outputs: kept, initializers, nodes };
};
