/**
 * An ONNX model as plain immutable data. Values are named; every name is defined once (by an input, an initializer or a
 * node) before it is used. Protobuf stays in read.ts and write.ts.
 */

import type { DType, Tensor } from "../tensor.ts";

/** A fixed size, a symbol ("height"), or null where nothing is known. */
export type Dimension = number | string | null;

/** A value that a graph takes or gives: its name, element type and shape. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  /** null: the rank is unknown. */
  readonly shape: readonly Dimension[] | null;
  /** The file gives no type, as it need not for the output of a subgraph; `dtype` says nothing then. */
  readonly untyped?: boolean;
}

/** An attribute of a node, with its kind. */
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

/** An operator applied to named values. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** "" is the standard operator set. */
  readonly domain: string;
  /** "" stands for an optional input that is absent. */
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
  /** In an order in which every value is defined before it is used. */
  readonly nodes: readonly Node[];
}

/** What an ONNX file holds: a graph, and the operator sets that its nodes are of. */
export interface Model {
  readonly irVersion: number;
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Versions of the other operator sets, by domain. */
  readonly domains: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** What was changed on the way in that a reader of results should know, in whole sentences. */
  readonly notes?: readonly string[];
  readonly graph: Graph;
}

/** A model that cannot be read, is malformed, or uses what Faultline does not support; `place` names the spot. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
  readonly place: string;
  constructor(message: string, place: string, options?: ErrorOptions) {
    super(`${place}: ${message}`, options);
    this.place = place;
  }
}

/** How messages refer to a node: its operator, its name, and what it produces. */
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

/** Read an attribute of one kind, or `absent` where the node has none. @throws OnnxError for another kind. */
export const intOf = attribute<number>("int");
export const floatOf = attribute<number>("float");
export const stringOf = attribute<string>("string");
export const intsOf = attribute<readonly number[]>("ints");
export const floatsOf = attribute<readonly number[]>("floats");
export const tensorAttributeOf = attribute<Tensor>("tensor");

/** Plain attribute values, as the builder takes them. */
export type PlainAttribute = number | string | boolean | Tensor | readonly number[] | readonly string[] | Attribute;
export type PlainAttributes = Readonly<Record<string, PlainAttribute | undefined>>;
