/** Weights of a network within the bytes of a graph that is made of it: as they are, dequantised, flipped for an adjoint convolution, or scaled. */

import { dequantizedWeights, flipped } from "../autodiff/rules/weights.ts";
import type { Graph } from "../onnx/graph.ts";
import { sizeOf, type Tensor } from "../tensor.ts";

/** How the bytes of a hole follow from a weight of the network. */
export interface Weight {
  /** Of the initializer in the network's graph. */
  readonly name: string;
  /** Whether they are what the DequantizeLinear that reads it gives. */
  readonly dequantized?: true;
  /** The groups of the convolution as whose adjoint's weights they are; without it they are not flipped. */
  readonly flipped?: number;
}

export interface Hole {
  /** The position of its first byte. */
  readonly at: number;
  readonly weight: Weight;
  /** Whether each part w of the weights along their first axis is f·w in float32; the hole begins with the factors f. */
  readonly scaled?: true;
}

/** The weights of a graph by how they are made. */
export const weightsOf = (graph: Graph): ((weight: Weight) => Tensor | null) => {
  const readers = new Map(
    graph.nodes.flatMap((node) => (node.op === "DequantizeLinear" ? [[node.inputs[0]!, node]] : [])),
  );
  const dequantized = (name: string, q: Tensor): Tensor | null => {
    const node = readers.get(name);
    const [scale, zero] = [1, 2].map((i) => graph.initializers.get(node?.inputs[i] ?? ""));
    return node && scale && (zero || !node.inputs[2]) ? dequantizedWeights(node, q, scale, zero) : null;
  };
  return ({ name, ...made }) => {
    const own = graph.initializers.get(name) ?? null;
    const whole = own && made.dequantized ? dequantized(name, own) : own;
    return whole && made.flipped !== undefined ? flipped(whole, made.flipped) : whole;
  };
};

/** f·w for each part along the first axis. */
export const scaledBy = (factors: Float32Array, { shape, data }: Tensor): Float32Array<ArrayBuffer> => {
  const part = sizeOf(shape.slice(1));
  const scaled = Float32Array.from(data as Float32Array);
  for (const [k, factor] of factors.entries())
    for (let i = k * part; i < (k + 1) * part; i++) scaled[i] = factor * scaled[i]!;
  return scaled;
};

/** Fills the holes, in place. @returns the bytes; null where the network has no such weights. */
export const filled = (
  bytes: Uint8Array<ArrayBuffer>,
  holes: readonly Hole[],
  graph: Graph,
): Uint8Array<ArrayBuffer> | null => {
  const weightOf = weightsOf(graph);
  for (const { at, weight, scaled } of holes) {
    const found = weightOf(weight);
    if (!found || at + found.data.byteLength > bytes.length) return null;
    const factors = scaled && new Float32Array(bytes.slice(at, at + 4 * (found.shape[0] ?? 1)).buffer);
    const { buffer, byteOffset, byteLength } = factors ? scaledBy(factors, found) : found.data;
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
  }
  return bytes;
};
