/**
 * The slopes of PRelus, computed for several of them at once. Backward a PRelu is Where(x > 0, dy, dy·α), three dispatches, of which only
 * the product depends on the cotangent: it is dy·m, with m = Where(x > 0, 1, α). The values that several PRelus of one size read are concatenated
 * along their channels, m is computed of all, and is split: 4 + n dispatches for n PRelus in place of 3n, and the same bits.
 */

import { type Attributes, type Graph, type Model, type Node } from "../../onnx/graph.ts";
import { typesOf } from "../../onnx/types.ts";
import type { TensorType } from "../../onnx/value.ts";
import { numbersOf, sizeOf, tensor, tensorOf, type Tensor } from "../../tensor.ts";
import { nodeOf } from "../node.ts";

/** Split writes all of its outputs in one dispatch, in which WebGPU grants eight storage buffers; one of them is its input. */
const MOST = 7;
/** 4 + n dispatches are fewer than 3n from here on. */
const FEWEST = 3;
/**
 * The most elements of a value that is taken. Concatenating and splitting moves 12 bytes more of each element; 3 MiB take an integrated GPU about as
 * long as a dispatch or two, and a large one a microsecond.
 */
const LARGEST = 2 ** 18;

/** The gradient of a PRelu. */
interface Backward {
  readonly node: Node;
  /** What the PRelu reads, [N,C,H,W]. */
  readonly x: string;
  readonly shape: readonly number[];
  readonly cotangent: string;
  /** One slope per channel. */
  readonly slopes: Float32Array;
  /** Its mask and its product, which nothing else reads. */
  readonly parts: readonly Node[];
}

/** What is looked up while a graph is rewritten. */
interface Index {
  readonly graph: Graph;
  readonly types: ReadonlyMap<string, TensorType>;
  /** The position of the node that computes a value. */
  readonly position: ReadonlyMap<string, number>;
  readonly readers: ReadonlyMap<string, number>;
}

const indexOf = (graph: Graph): Index => {
  const readers = new Map<string, number>();
  const read = [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)];
  for (const name of read) readers.set(name, (readers.get(name) ?? 0) + 1);
  const position = new Map(graph.nodes.flatMap(({ outputs }, i) => outputs.map((name) => [name, i] as const)));
  return { graph, types: typesOf(graph), position, readers };
};

/** The node of this operator that computes the value, if nothing else reads it. */
const onlyFor = ({ graph, position, readers }: Index, name: string, op: string): Node | undefined => {
  const node = graph.nodes[position.get(name) ?? -1];
  return node?.op === op && readers.get(name) === 1 ? node : undefined;
};

/** The slopes as one per channel of [N,C,H,W]; null where they vary otherwise. */
const perChannel = (slope: Tensor | undefined, channels: number): Float32Array | null => {
  if (slope?.dtype !== "float32") return null;
  const given = numbersOf(slope);
  if (given.length === 1) return new Float32Array(channels).fill(given[0]!);
  return given.length === channels && slope.shape.at(-3) === channels ? Float32Array.from(given) : null;
};

const isZero = (t: Tensor | undefined): boolean => t !== undefined && sizeOf(t.shape) === 1 && numbersOf(t)[0] === 0;

const backwardOf = (index: Index, node: Node): Backward | null => {
  const { initializers } = index.graph;
  const [mask, cotangent, scaled] = node.inputs as [string, string, string];
  if (node.op !== "Where") return null;
  const [above, product] = [onlyFor(index, mask, "Greater"), onlyFor(index, scaled, "Mul")];
  if (!above || !product || !isZero(initializers.get(above.inputs[1]!))) return null;
  const slope = product.inputs.find((name) => name !== cotangent);
  const x = above.inputs[0]!;
  const { shape, dtype } = index.types.get(x)!;
  const slopes = shape.length === 4 ? perChannel(initializers.get(slope ?? ""), shape[1]!) : null;
  const isTaken = slopes && product.inputs.includes(cotangent) && dtype === "float32" && sizeOf(shape) <= LARGEST;
  return isTaken ? { node, x, shape, cotangent, slopes, parts: [above, product] } : null;
};

/** Groups of one size N, H, W, in each of which every PRelu has run before the first gradient is needed. */
const groupsOf = ({ position }: Index, found: readonly Backward[]): (readonly Backward[])[] => {
  const groups: Backward[][] = [];
  const open = new Map<string, Backward[]>();
  for (const backward of found) {
    const { shape, x } = backward;
    const key = String(shape.toSpliced(1, 1));
    const group = open.get(key);
    const isKnown = group && (position.get(x) ?? -1) < position.get(group[0]!.node.outputs[0]!)!;
    if (isKnown && group.length < MOST) group.push(backward);
    else {
      const begun = [backward];
      groups.push(begun);
      open.set(key, begun);
    }
  }
  return groups.filter((group) => group.length >= FEWEST);
};

const alongChannels: Attributes = { axis: { type: "int", value: 1 } };

/** The nodes that compute m of a group, and the constants that they read; `names` are those of m of each. */
const slopesOf = (group: readonly Backward[], names: readonly string[]) => {
  const own = names[0]!;
  const name = (part: string): string => `${own}_${part}`;
  const [joint, above, all] = [name("joint"), name("above"), name("all")];
  const [slopes, sizes] = [name("slopes"), name("sizes")];
  const channels = group.map(({ shape }) => shape[1]!);
  const values = group.flatMap((member) => [...member.slopes]);
  const nodes: readonly Node[] = [
    { ...nodeOf("Concat", joint, ...group.map(({ x }) => x)), attributes: alongChannels },
    nodeOf("Greater", above, joint, "slopes_zero"),
    nodeOf("Where", all, above, "slopes_one", slopes),
    { ...nodeOf("Split", own, all, sizes), outputs: names, attributes: alongChannels },
  ];
  const constants: readonly (readonly [string, Tensor])[] = [
    [slopes, tensorOf("float32", [1, values.length, 1, 1], values)],
    [sizes, tensor("int64", [channels.length], BigInt64Array.from(channels, BigInt))],
  ];
  return { nodes, constants };
};

/** The model with the slopes of its PRelus' gradients computed in groups. Returns `model` itself where there are none. */
export const withJointSlopes = (model: Model): Model => {
  const { graph } = model;
  const index = indexOf(graph);
  const groups = groupsOf(
    index,
    graph.nodes.flatMap((node) => backwardOf(index, node) ?? []),
  );
  if (groups.length === 0) return model;
  const initializers = new Map(graph.initializers);
  initializers.set("slopes_zero", tensorOf("float32", [], [0]));
  initializers.set("slopes_one", tensorOf("float32", [], [1]));
  const gone = new Set(groups.flat().flatMap(({ parts }) => parts));
  const replaced = new Map<Node, readonly Node[]>();
  for (const group of groups) {
    const names = group.map(({ node }) => `${node.outputs[0]}_slopes`);
    const { nodes, constants } = slopesOf(group, names);
    for (const [name, value] of constants) initializers.set(name, value);
    for (const [i, { node, cotangent }] of group.entries())
      replaced.set(node, [...(i === 0 ? nodes : []), nodeOf("Mul", node.outputs[0]!, cotangent, names[i]!)]);
  }
  const nodes = graph.nodes.flatMap((node) => (gone.has(node) ? [] : (replaced.get(node) ?? [node])));
  return { ...model, graph: { ...graph, nodes, initializers } };
};
