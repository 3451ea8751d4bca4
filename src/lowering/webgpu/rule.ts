/** The type of a rule that rewrites an operator for onnxruntime's WebGPU provider, and functions that rules share. */

import type { Builder } from "../../onnx/build.ts";
import type { Attributes, Node } from "../../onnx/graph.ts";
import type { Window } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { tensorOf } from "../../tensor.ts";

/** A pooling with the output Indices. */
export interface Pooling {
  readonly window: Window;
  /** The shape of the pooling's input. */
  readonly input: readonly number[];
  /** The tap of each window that holds the (first) maximum, in row-major order: int32, with the shape of the result. */
  readonly tap: Value;
  /** The mask of the elements that are their windows' (first) maxima, where windows tile the input. */
  readonly own: Value | null;
}

/** The output of a QuantizeLinear before its zero point was added. */
interface Centred {
  readonly value: Value;
  readonly zero: readonly number[];
}

/** The output of a DequantizeLinear before it was scaled. */
export interface Dequantized {
  /** q − z as float32. */
  readonly integers: () => Value;
  /** One scale, or one per index of the axis. */
  readonly scales: readonly number[];
  readonly axis: number;
}

/** A sum of products of such integers. The value is the sum times the scale, which is per tensor or per channel. */
export interface IntegerSum {
  /** The sum as float32. */
  readonly sum: Value;
  readonly scales: readonly number[];
}

/** Facts about values besides their types, by name. */
export interface Known {
  readonly poolings: Map<string, Pooling>;
  readonly centred: Map<string, Centred>;
  readonly dequantized: Map<string, Dequantized>;
  readonly sums: Map<string, IntegerSum>;
}

export const nothingKnown = (): Known => ({
  poolings: new Map(),
  centred: new Map(),
  dequantized: new Map(),
  sums: new Map(),
});

export interface GpuContext {
  readonly op: Builder;
  /** The node's attributes and outputs; `inputs` is empty, as a rule gets the values as arguments. */
  readonly node: Node;
  readonly known: Known;
}

/**
 * Returns the outputs of a node, built from operators with a kernel; null if the node stays as it is. Integers of 8 and 16 bits
 * are represented as float32, integers of 64 bits as int32.
 */
export type GpuRule = (context: GpuContext, ...inputs: (Value | null)[]) => readonly Value[] | null;

/** A rule for an operator with one output and one input, which must be float32. */
export const onFloats =
  (f: (context: GpuContext, x: Value) => Value): GpuRule =>
  (context, x) =>
    x?.dtype === "float32" ? [f(context, x)] : null;

/** 0, 1, 2 … along one axis of a tensor of the given rank. */
export const iota = (op: Builder, dtype: "float32" | "int32", length: number, axis: number, rank: number): Value => {
  const shape = Array.from({ length: rank }, (_, i) => (i === axis ? length : 1));
  return op.tensor(
    tensorOf(
      dtype,
      shape,
      Array.from({ length }, (_, i) => i),
    ),
    "iota",
  );
};

/** int32 indices along an axis of the given size, with negative indices counted from the end. */
export const fromFront = (op: Builder, indices: Value, size: number): Value => {
  const negative = op.Less(indices, op.constant(0, "int32"));
  return op.Where(negative, op.Add(indices, op.constant(size, "int32")), indices);
};

/**
 * Round half to even for |x| < 2²²: adding 1.5·2²³ leaves no bits of float32 for a fraction. The sum and the difference are two
 * nodes, and so two kernels, which no compiler simplifies.
 */
export const roundSmall = (op: Builder, x: Value): Value => {
  const large = op.constant(1.5 * 2 ** 23);
  return op.Sub(op.Add(x, large), large);
};

/** The same operator, with the same attributes, on other inputs. */
export const sameNode = ({ op, node }: GpuContext, inputs: readonly (Value | null)[]): Value =>
  op.appendNode(node.op, inputs, node.attributes)[0]!;

export const nodeOf = (op: string, attributes: Attributes, outputs: readonly string[]): Node => ({
  name: outputs[0] ?? op,
  op,
  domain: "",
  inputs: [],
  outputs,
  attributes,
});

/** Operators whose output has the elements of their input in another shape. */
const views = new Set(["Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

const FINITE = (2 - 2 ** -23) * 2 ** 127;

/**
 * float32 `x` through a Clip, past which onnxruntime moves no Transpose (neither the graph's nor one that changes the layout for a
 * convolution). A Transpose that moved past a comparison would have a Boolean input, for which there is no kernel.
 */
export const pinned = (op: Builder, x: Value): Value => op.Clip(x, op.constant(-FINITE), op.constant(FINITE));

/** Whether `x` is the output of a Transpose, possibly reshaped. */
export const isTransposed = (op: Builder, x: Value): boolean => {
  const made = op.producer(x);
  return made?.node.op === "Transpose" || (views.has(made?.node.op ?? "") && isTransposed(op, made!.inputs[0]!));
};

/**
 * The graph's output `v`, written by a kernel. The output of a reshape would be copied instead, and a captured graph must not
 * contain copies (see `capturable`).
 */
export const written = (op: Builder, v: Value): Value => {
  const made = op.producer(v);
  const copied = !made || views.has(made.node.op);
  return copied && (v.dtype === "float32" || v.dtype === "int32") ? op.Max(v, v) : v;
};
