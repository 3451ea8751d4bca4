/**
 * Predicts the WASM memory of a session before it is made: weights, activations by liveness in onnxruntime's own order of
 * execution, the kernels' scratch space, and the steps in which the heap grows.
 */

import { bytesPerElement, sizeOf, type DType } from "../tensor.ts";

export interface SizedType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A node as far as memory goes. */
export interface SizedNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A graph as far as memory goes, its nodes in the order of the file, and the types of all its values. */
export interface SizedGraph {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
  readonly initializers: ReadonlyMap<string, SizedType>;
  readonly nodes: readonly SizedNode[];
  readonly types: ReadonlyMap<string, SizedType>;
}

const bytesOf = ({ dtype, shape }: SizedType): number => bytesPerElement(dtype) * sizeOf(shape);

/**
 * onnxruntime executes in the order of a depth-first search backwards from the nodes that nothing reads (last one first),
 * at each node visiting the producer that stands last in the file first (GraphViewer, ReverseDFSFrom with NodeCompare).
 */
export const executionOrder = (file: readonly SizedNode[]): SizedNode[] => {
  const nodes = withoutIdentities(file);
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

/** onnxruntime drops them when it loads the model. */
const withoutIdentities = (nodes: readonly SizedNode[]): SizedNode[] => {
  const source = new Map(nodes.flatMap((n) => (n.op === "Identity" ? [[n.outputs[0]!, n.inputs[0]!] as const] : [])));
  const resolve = (name: string): string => (source.has(name) ? resolve(source.get(name)!) : name);
  return nodes.flatMap((n) => (n.op === "Identity" ? [] : [{ ...n, inputs: n.inputs.map(resolve) }]));
};

/** Operators whose output is their first input under another shape: no memory of its own. */
const aliases = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"]);

/** Elementwise operators that write into an input of the same size that nothing else needs. */
const inPlace = new Set(
  "Add Sub Mul Div Neg Abs Exp Log Sqrt Reciprocal Relu Clip Sigmoid Tanh Floor Ceil Not Erf PRelu LeakyRelu HardSigmoid ScatterElements".split(
    " ",
  ),
);

/** Scratch bytes of onnxruntime's kernels beside inputs and outputs. */
const scratchBytes = ({ op, inputs, outputs }: SizedNode, types: SizedGraph["types"]): number => {
  const [x, w] = inputs.map((name) => types.get(name));
  switch (op) {
    case "Where": // each branch is selected into a tensor of its own, then both are merged
      return 2 * bytesOf(types.get(outputs[0]!)!);
    case "ConvTranspose": // the columns: what each input pixel gives to every output channel and tap of the kernel
      return x && w ? bytesPerElement(x.dtype) * sizeOf(w.shape.slice(1)) * sizeOf(x.shape.slice(2)) : 0;
    default:
      return 0;
  }
};

/** The names that share one buffer, by the name that owns it. */
export const ownersOf = (order: readonly SizedNode[]): ((name: string) => string) => {
  const owner = new Map<string, string>();
  const ownerOf = (name: string): string => owner.get(name) ?? name;
  for (const { op, inputs, outputs } of order) {
    if (aliases.has(op) && inputs[0]) owner.set(outputs[0]!, ownerOf(inputs[0]));
  }
  return ownerOf;
};

export interface Liveness {
  /** Largest sum of bytes of the values and scratch alive at one time, without weights. */
  readonly peakBytes: number;
  /** Of the largest single value. */
  readonly largestBytes: number;
}

/** Where most is alive. */
export interface Peak {
  readonly bytes: number;
  /** The node that runs then. */
  readonly at: string;
  /** Largest first. */
  readonly alive: readonly { readonly name: string; readonly bytes: number }[];
}

/** The values that are alive, and their bytes all together. */
const createHeap = () => {
  const alive = new Map<string, number>();
  let total = 0;
  return {
    alive,
    total: () => total,
    add: (name: string, bytes: number): void => {
      total += bytes - (alive.get(name) ?? 0);
      alive.set(name, bytes);
    },
    remove: (name: string): void => {
      total -= alive.get(name) ?? 0;
      alive.delete(name);
    },
  };
};

/** Runs the graph on sizes alone, and tells `step` what is alive at each node; it may stop there. */
const simulate = (
  { types, initializers, inputs, outputs }: SizedGraph,
  order: readonly SizedNode[],
  step: (bytes: number, index: number, alive: ReadonlyMap<string, number>) => boolean,
): void => {
  const ownerOf = ownersOf(order);
  const lastUse = new Map<string, number>();
  for (const [i, node] of order.entries()) for (const name of node.inputs) lastUse.set(ownerOf(name), i);
  for (const { name } of [...inputs, ...outputs]) lastUse.set(ownerOf(name), Infinity);
  const { alive, total, add, remove } = createHeap();
  for (const { name } of inputs) add(name, bytesOf(types.get(name)!));
  for (const [i, node] of order.entries()) {
    const made = node.outputs.filter((name) => name !== "" && ownerOf(name) === name);
    const dying = [...new Set(node.inputs.map(ownerOf))].filter((name) => alive.has(name) && lastUse.get(name) === i);
    const size = made[0] === undefined ? 0 : bytesOf(types.get(made[0])!);
    const reused = inPlace.has(node.op) ? dying.find((name) => alive.get(name) === size) : undefined;
    if (reused !== undefined) remove(reused);
    for (const name of made) if (!initializers.has(name)) add(name, bytesOf(types.get(name)!));
    if (step(total() + scratchBytes(node, types), i, alive)) return;
    for (const name of dying) remove(name);
    for (const name of made) if (!lastUse.has(name)) remove(name);
  }
};

/** The bytes alive while each node runs, the nodes in the order of the list. */
export const usage = (graph: SizedGraph): number[] => {
  const bytes: number[] = [];
  simulate(graph, graph.nodes, (at) => {
    bytes.push(at);
    return false;
  });
  return bytes;
};

const largestOf = ({ nodes, inputs, types }: SizedGraph): number => {
  const made = nodes.flatMap((n) => n.outputs).filter((name) => name !== "");
  return [...inputs.map((v) => v.name), ...made].reduce((most, name) => Math.max(most, bytesOf(types.get(name)!)), 0);
};

/** The step at which most is alive. */
const fullest = (
  graph: SizedGraph,
  order: readonly SizedNode[],
): { readonly bytes: number; readonly index: number } => {
  let peak = { bytes: 0, index: -1 };
  simulate(graph, order, (bytes, index) => {
    if (bytes > peak.bytes) peak = { bytes, index };
    return false;
  });
  return peak;
};

/** What is alive at most: a value lives from the node that makes it to the last that reads it. */
export const liveness = (graph: SizedGraph): Liveness => ({
  peakBytes: fullest(graph, executionOrder(graph.nodes)).bytes,
  largestBytes: largestOf(graph),
});

/** What that is, to see where memory goes. */
export const peakOf = (graph: SizedGraph): Peak => {
  const order = executionOrder(graph.nodes);
  const { bytes, index } = fullest(graph, order);
  let list: Peak["alive"] = [];
  simulate(graph, order, (_, step, alive) => {
    if (step !== index) return false;
    list = [...alive].map(([name, size]) => ({ name, bytes: size })).toSorted((a, b) => b.bytes - a.bytes);
    return true;
  });
  const node = order[index];
  return { bytes, at: node ? `${node.op} → ${node.outputs[0]}` : "", alive: list };
};

/** What a session takes. */
export interface Footprint {
  /** Kept as long as the session: weights and the graph. */
  readonly staticBytes: number;
  /** On top of it while it is made or runs. */
  readonly runBytes: number;
  readonly liveness: Liveness;
}

// Fitted to 27 runs of three networks (`npm run bench -- memory`): within 12 % of what was measured.

/** Of onnxruntime itself, before the first session. */
const BASE_BYTES = 12 * 2 ** 20;
/** Of a node, while the session is held. */
const NODE_BYTES = 2.5 * 2 ** 10;
/** Copies of the weights while a model is read, beside those that stay. */
const READING_COPIES = 1.5;
/** The heap has gaps between values that come and go, and the largest value seldom fits into one. */
const FRAGMENTATION = 1.08;
const LARGEST_ANEW = 0.9;

export const footprint = (graph: SizedGraph): Footprint => {
  const weights = [...graph.initializers.values()].reduce((sum, t) => sum + bytesOf(t), 0);
  const peak = liveness(graph);
  return {
    staticBytes: weights + NODE_BYTES * graph.nodes.length,
    runBytes: Math.max(FRAGMENTATION * peak.peakBytes + LARGEST_ANEW * peak.largestBytes, READING_COPIES * weights),
    liveness: peak,
  };
};

/** What a session needs of the room that a budget leaves. */
export const needOf = ({ staticBytes, runBytes }: Footprint): number => staticBytes + runBytes;

/** The heap grows by a twentieth at a time (see wasm.ts), from 16 MiB. */
const FIRST_HEAP_BYTES = 16 * 2 ** 20;
const HEAP_GROWTH = 1.05;
/** WASM's addresses have 32 bits. */
const LARGEST_HEAP_BYTES = 2 ** 32;

/** WASM memory with these sessions held, when each has run once. */
export const predictMemory = (sessions: readonly Footprint[]): number => {
  const held = sessions.reduce((sum, s) => sum + s.staticBytes, 0);
  const needed = BASE_BYTES + held + Math.max(0, ...sessions.map((s) => s.runBytes));
  let heap = FIRST_HEAP_BYTES;
  while (heap < needed) heap *= HEAP_GROWTH;
  return heap;
};

/** Bytes that sessions can take before the heap would grow beyond the budget; negative where it starts beyond it. */
export const roomWithin = (budgetBytes: number): number => {
  if (FIRST_HEAP_BYTES > budgetBytes) return -BASE_BYTES;
  let heap = FIRST_HEAP_BYTES;
  while (heap * HEAP_GROWTH <= Math.min(budgetBytes, LARGEST_HEAP_BYTES)) heap *= HEAP_GROWTH;
  return heap - BASE_BYTES;
};
