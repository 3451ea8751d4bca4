/** The values that are live while onnxruntime executes a graph, from their sizes and its order of execution. */

import { bytesPerElement, sizeOf } from "../../tensor.ts";
import { executed } from "./fusion.ts";
import { bytesOf, withoutIdentities, type SizedGraph, type SizedNode } from "./sized-graph.ts";

/**
 * onnxruntime executes in the order of a depth-first search backwards from the nodes that nothing reads (last one first),
 * at each node visiting the producer that stands last in the file first (GraphViewer, ReverseDFSFrom with NodeCompare).
 */
export const executionOrder = (file: readonly SizedNode[]): SizedNode[] => {
  const { nodes } = withoutIdentities(file);
  const producer = new Map(nodes.flatMap((n, i) => n.outputs.map((name) => [name, i] as const)));
  const sources = nodes.map(({ inputs }) => {
    const found = new Set(inputs.flatMap((name) => producer.get(name) ?? []));
    return [...found].toSorted((a, b) => a - b);
  });
  const read = new Set(sources.flat());
  const stack = nodes.flatMap((_, i) => (read.has(i) ? [] : [{ index: i, leave: false }]));
  const visited = new Set<number>();
  const order: SizedNode[] = [];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    if (entry.leave) order.push(nodes[entry.index]!);
    if (entry.leave || visited.has(entry.index)) continue;
    visited.add(entry.index);
    stack.push({ index: entry.index, leave: true });
    for (const index of sources[entry.index]!) if (!visited.has(index)) stack.push({ index, leave: false });
  }
  return order;
};

/** Scratch memory of onnxruntime's kernels, in bytes. */
const scratchBytes = ({ op, inputs, outputs }: SizedNode, types: SizedGraph["types"]): number => {
  const [x, w] = inputs.map((name) => types.get(name));
  const y = types.get(outputs[0] ?? "");
  if (!x || !w || !y) return 0;
  /** Of a filter, over all input channels. */
  const taps = sizeOf(w.shape.slice(1));
  const [from, to] = [x, y].map((t) => t.shape.slice(2));
  switch (op) {
    case "Where": // Each branch is selected into a tensor of its own; then both are merged.
      return 2 * bytesOf(y);
    case "ConvTranspose": // The columns: the contribution of each input pixel to every output channel and tap of the kernel.
      return bytesPerElement(x.dtype) * taps * sizeOf(from!);
    case "QLinearConv": {
      // The 32-bit sums, and the columns: the inputs of each output pixel, unless that is a single pixel.
      const pointwise = taps === w.shape[1] && sizeOf(from!) === sizeOf(to!);
      return 4 * sizeOf(y.shape) + (pointwise ? 0 : taps * sizeOf(to!));
    }
    default:
      return 0;
  }
};

export interface Liveness {
  /** Peak of the bytes of live values and scratch memory, without weights. */
  readonly peakBytes: number;
  /** Bytes of the largest single value. */
  readonly largestBytes: number;
}

/** The moment of the peak. */
export interface Peak {
  readonly bytes: number;
  /** The node that runs at that moment. */
  readonly at: string;
  /** The live values, the largest first. */
  readonly alive: readonly { readonly name: string; readonly bytes: number }[];
}

/** The live values while a node runs: bytes by name, and their sum with the scratch memory. */
type Step = (bytes: number, node: SizedNode, alive: ReadonlyMap<string, number>) => void;

/**
 * Simulates the nodes in order, on sizes alone. Every result has memory of its own, also those of element-wise nodes and of
 * reshapes: in the sessions' execution mode onnxruntime plans no reuse of inputs (allocation_planner.cc, ComputeSingleStreamReusePlan).
 */
const simulate = (graph: SizedGraph, order: readonly SizedNode[], step: Step): void => {
  const { types, initializers, inputs, outputs } = graph;
  const lastUse = new Map<string, number>();
  for (const [i, node] of order.entries()) for (const name of node.inputs) lastUse.set(name, i);
  for (const { name } of [...inputs, ...outputs]) lastUse.set(name, Infinity);
  const alive = new Map<string, number>();
  let total = 0;
  const make = (name: string): void => {
    const bytes = bytesOf(types.get(name)!);
    alive.set(name, bytes);
    total += bytes;
  };
  const drop = (name: string): void => {
    total -= alive.get(name) ?? 0;
    alive.delete(name);
  };
  for (const { name } of inputs) make(name);
  for (const [i, node] of order.entries()) {
    const made = node.outputs.filter((name) => name !== "" && !initializers.has(name));
    for (const name of made) make(name);
    step(total + scratchBytes(node, types), node, alive);
    for (const name of node.inputs) if (lastUse.get(name) === i) drop(name);
    for (const name of made) if (!lastUse.has(name)) drop(name);
  }
};

/** Live bytes while each node runs, for the nodes in the order of the list, without fusion. */
export const usage = (graph: SizedGraph): number[] => {
  const bytes: number[] = [];
  simulate(graph, graph.nodes, (at) => bytes.push(at));
  return bytes;
};

const largestOf = ({ nodes, inputs, types }: SizedGraph): number => {
  const made = nodes.flatMap((n) => n.outputs).filter((name) => name !== "");
  return [...inputs.map((v) => v.name), ...made].reduce((most, name) => Math.max(most, bytesOf(types.get(name)!)), 0);
};

/** The peak of live bytes: a value lives from its producer to its last reader. */
export const liveness = (file: SizedGraph): Liveness => {
  const graph = executed(file);
  let peakBytes = 0;
  simulate(graph, executionOrder(graph.nodes), (bytes) => {
    peakBytes = Math.max(peakBytes, bytes);
  });
  return { peakBytes, largestBytes: largestOf(graph) };
};

/** The values at that peak, for diagnosis. */
export const peakOf = (file: SizedGraph): Peak => {
  const graph = executed(file);
  let peak: Peak = { bytes: 0, at: "", alive: [] };
  simulate(graph, executionOrder(graph.nodes), (bytes, { op, outputs }, values) => {
    if (bytes <= peak.bytes) return;
    const alive = Array.from(values, ([name, size]) => ({ name, bytes: size }));
    peak = { bytes, at: `${op} → ${outputs[0]}`, alive };
  });
  return { ...peak, alive: peak.alive.toSorted((a, b) => b.bytes - a.bytes) };
};
