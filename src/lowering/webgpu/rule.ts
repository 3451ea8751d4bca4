/** What a rule is that writes an operator for onnxruntime's WebGPU provider, and what rules share. */

import type { Builder } from "../../onnx/build.ts";
import type { Attributes, Node } from "../../onnx/graph.ts";
import type { Window } from "../../onnx/infer/window.ts";
import type { Value } from "../../onnx/value.ts";
import { tensorOf } from "../../tensor.ts";

/** A pooling whose Indices were asked for. */
export interface Pooling {
  readonly window: Window;
  /** The shape of what was pooled. */
  readonly input: readonly number[];
  /** int32, shaped as the result: which tap of the window holds the (first) maximum, in row-major order. */
  readonly tap: Value;
}

/** Integers that a QuantizeLinear gave, before their zero point was added. */
export interface Centred {
  readonly value: Value;
  readonly zero: readonly number[];
}

/** What a DequantizeLinear scaled. */
export interface Dequantized {
  /** float32: the codes less their zero point. */
  readonly integers: () => Value;
  /** One, or one an index of the axis. */
  readonly scales: readonly number[];
  readonly axis: number;
}

/** A sum of products of such integers; times the scale, one or one a channel, it is the value. */
export interface IntegerSum {
  /** float32. */
  readonly sum: Value;
  readonly scales: readonly number[];
}

/** What is known of values beside their types, by name. */
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
  /** Attributes, and how many outputs there are; its inputs are below. */
  readonly node: Node;
  readonly known: Known;
}

/**
 * The outputs of a node made of operators with a kernel; null where it stays as it is. Integers of 8 and 16 bits come and go
 * as float32, those of 64 bits as int32.
 */
export type GpuRule = (context: GpuContext, ...inputs: (Value | null)[]) => readonly Value[] | null;

/** A rule for one result of one input that must be float32. */
export const onFloats =
  (f: (context: GpuContext, x: Value) => Value): GpuRule =>
  (context, x) =>
    x?.dtype === "float32" ? [f(context, x)] : null;

/** 0, 1, 2 … along one axis of a tensor of that rank. */
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

/** int32 indices along an axis of that size; negative ones count from the end. */
export const fromFront = (op: Builder, indices: Value, size: number): Value => {
  const negative = op.Less(indices, op.constant(0, "int32"));
  return op.Where(negative, op.Add(indices, op.constant(size, "int32")), indices);
};

/**
 * `x` to the nearest integer, of two the even one, |x| < 2²²: beside 1.5·2²³ float32 has no room for a fraction. Two nodes:
 * each is a kernel of its own, so that no compiler cancels the one against the other.
 */
export const roundSmall = (op: Builder, x: Value): Value => {
  const large = op.constant(1.5 * 2 ** 23);
  return op.Sub(op.Add(x, large), large);
};

/** The same node on other inputs. */
export const likewise = ({ op, node }: GpuContext, inputs: readonly (Value | null)[]): Value =>
  op.appendNode(node.op, inputs, node.attributes)[0]!;

export const nodeOf = (op: string, attributes: Attributes, outputs: readonly string[]): Node => ({
  name: outputs[0] ?? op,
  op,
  domain: "",
  inputs: [],
  outputs,
  attributes,
});

/** They give what they are given, under another shape. */
const views = new Set(["Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

const FINITE = (2 - 2 ** -23) * 2 ** 127;

/**
 * float32 `x` behind a node that onnxruntime moves no Transpose past, be it the graph's or one that changes the layout for a
 * convolution: past a comparison it would have Booleans to transpose, for which there is no kernel.
 */
export const pinned = (op: Builder, x: Value): Value => op.Clip(x, op.constant(-FINITE), op.constant(FINITE));

/** Whether `x` is a transposed value, maybe under another shape. */
export const isTransposed = (op: Builder, x: Value): boolean => {
  const made = op.producer(x);
  return made?.node.op === "Transpose" || (views.has(made?.node.op ?? "") && isTransposed(op, made!.inputs[0]!));
};

/**
 * The graph's output `v`, written by a kernel. What a view gives would be copied there instead, and copies do not belong to a
 * captured graph (see `capturable`).
 */
export const written = (op: Builder, v: Value): Value => {
  const made = op.producer(v);
  const copied = !made || views.has(made.node.op);
  return copied && (v.dtype === "float32" || v.dtype === "int32") ? op.Max(v, v) : v;
};
