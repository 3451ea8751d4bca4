/**
 * An ONNX model as plain immutable data. Values are named; every name is defined once (by an input, an initializer or a
 * node) before it is used. Protobuf stays in read.ts and write.ts.
 */

import type { DType, Tensor } from "../tensor.ts";

/** A fixed size, a symbol ("height"), or null if unknown. */
export type Dimension = number | string | null;

/** An input or output of a graph: its name, element type and shape. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  /** The shape; null if the rank is unknown. */
  readonly shape: readonly Dimension[] | null;
  /** The file states no type, which is optional for the outputs of subgraphs; `dtype` is then meaningless. */
  readonly untyped?: boolean;
}

/** An attribute of a node, tagged with its kind. */
export type Attribute =
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "tensor"; readonly value: Tensor }
  | { readonly type: "graph"; readonly value: Graph }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "strings"; readonly value: readonly string[] };

export type Attributes = Readonly<Record<string, Attribute>>;

/** A node: an operator applied to named values. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** The operator's domain; "" is the standard domain. */
  readonly domain: string;
  /** Names of the inputs; "" is an optional input that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** Nodes between inputs, weights (`initializers`) and outputs. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** The nodes in topological order. */
  readonly nodes: readonly Node[];
}

/** The content of an ONNX file: a graph, and the versions of the operator sets that it uses. */
export interface Model {
  readonly irVersion: number;
  /** The version of the standard operator set. */
  readonly opset: number;
  /** Versions of the other operator sets, by domain. */
  readonly domains: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Changes made to the model after reading that affect the interpretation of results, in whole sentences. */
  readonly notes?: readonly string[];
  readonly graph: Graph;
}

/** A model is unreadable, malformed, or uses something that Faultline does not support; `place` is the location in the model. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
  readonly place: string;
  constructor(message: string, place: string, options?: ErrorOptions) {
    super(`${place}: ${message}`, options);
    this.place = place;
  }
}

/** An operator that no shape inference is there for: whatever the sizes, the graph cannot be loaded. */
export class UnknownOperatorError extends OnnxError {}

/** A description of a node for error messages: its operator, its name and its output. */
export const describe = (node: Node): string =>
  `node ${node.domain ? `${node.domain}.` : ""}${node.op} "${node.name}" (→ ${node.outputs.join(", ")})`;

const attribute =
  <T>(kind: Attribute["type"]) =>
  <D extends T | undefined>(node: Node, name: string, absent: D): T | D => {
    const found = node.attributes[name];
    if (!found) return absent;
    if (found.type === kind) return found.value as T;
    throw new OnnxError(`attribute ${name} is ${found.type}, expected ${kind}`, describe(node));
  };

/** Returns the attribute, or `absent` if the node does not have it. @throws OnnxError for an attribute of another kind. */
export const intOf = attribute<number>("int");
export const floatOf = attribute<number>("float");
export const stringOf = attribute<string>("string");
export const intsOf = attribute<readonly number[]>("ints");
export const floatsOf = attribute<readonly number[]>("floats");
export const tensorAttributeOf = attribute<Tensor>("tensor");

/** Plain attribute values, as the builder takes them. */
export type PlainAttribute = number | string | boolean | Tensor | readonly number[] | readonly string[] | Attribute;
export type PlainAttributes = Readonly<Record<string, PlainAttribute | undefined>>;
