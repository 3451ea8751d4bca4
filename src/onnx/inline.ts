/** Inlines the functions that a model defines (ONNX, "Model Local Functions"): each call is replaced by the function's nodes. */

import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from "onnx-buf";
import { OnnxError } from "./graph.ts";

/** Maximum number of nodes after inlining, which nested calls multiply; a file with more is refused as hostile. */
const MAX_NODES = 200_000;

const MAX_DEPTH = 100;

const standard = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

const keyOf = (domain: string, name: string, overload: string): string =>
  JSON.stringify([standard(domain), name, overload]);

/** A protobuf message with some fields changed. `create` sets the other fields to their defaults. */
const changed = <D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  fields: Partial<MessageShape<D>>,
): MessageShape<D> => create(schema, { ...message, ...fields, $typeName: undefined });

type Rename = (name: string) => string;
type ResolveAttribute = (attribute: AttributeProto) => readonly AttributeProto[];

/** The scope of one function call: the outer names of its values, and its attributes. */
interface Frame {
  readonly rename: Rename;
  readonly resolve: ResolveAttribute;
  /** The chain of calls, to detect recursion. */
  readonly calls: readonly string[];
}

class Inliner {
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  #nodes = 0;
  #calls = 0;

  constructor(functions: readonly FunctionProto[]) {
    this.#functions = new Map(functions.map((f) => [keyOf(f.domain, f.name, f.overload), f]));
  }

  graph(graph: GraphProto, frame: Frame): GraphProto {
    const named = (v: ValueInfoProto) => changed(ValueInfoProtoSchema, v, { name: frame.rename(v.name) });
    return changed(GraphProtoSchema, graph, {
      input: graph.input.map(named),
      output: graph.output.map(named),
      initializer: graph.initializer.map((t) => changed(TensorProtoSchema, t, { name: frame.rename(t.name) })),
      node: graph.node.flatMap((n) => this.#node(n, frame)),
    });
  }

  #node(node: NodeProto, frame: Frame): NodeProto[] {
    if (++this.#nodes > MAX_NODES)
      throw new OnnxError(`has over ${MAX_NODES} nodes with its functions inlined`, "model");
    const own = changed(NodeProtoSchema, node, {
      input: node.input.map(frame.rename),
      output: node.output.map(frame.rename),
      attribute: node.attribute.flatMap(frame.resolve).map((a) => this.#attribute(a, frame)),
    });
    const key = keyOf(node.domain, node.opType, node.overload);
    const called = this.#functions.get(key);
    return called ? this.#call(called, own, [...frame.calls, key]) : [own];
  }

  #attribute(attribute: AttributeProto, frame: Frame): AttributeProto {
    if (!attribute.g && attribute.graphs.length === 0) return attribute;
    const graphs = attribute.graphs.map((g) => this.graph(g, frame));
    const g = attribute.g && this.graph(attribute.g, frame);
    return changed(AttributeProtoSchema, attribute, { graphs, ...(g ? { g } : {}) });
  }

  /** The nodes of a function, connected to the inputs and outputs of the calling node. */
  #call(called: FunctionProto, node: NodeProto, calls: readonly string[]): NodeProto[] {
    const name = `function ${called.domain}.${called.name}`;
    if (calls.length > MAX_DEPTH) throw new OnnxError(`is called at a depth of over ${MAX_DEPTH} functions`, name);
    if (calls.indexOf(calls.at(-1)!) < calls.length - 1) throw new OnnxError("calls itself", name);
    const prefix = `${node.name || called.name}/${this.#calls++}/`;
    const given = new Map(called.input.map((input, i) => [input, node.input[i] ?? ""]));
    const results = new Map(called.output.map((output, i) => [output, node.output[i] || `${prefix}${output}`]));
    const rename: Rename = (value) => (value === "" ? "" : (given.get(value) ?? results.get(value) ?? prefix + value));
    const attributes = new Map([...called.attributeProto, ...node.attribute].map((a) => [a.name, a]));
    const resolve: ResolveAttribute = (attribute) => {
      if (attribute.refAttrName === "") return [attribute];
      const found = attributes.get(attribute.refAttrName);
      return found ? [changed(AttributeProtoSchema, found, { name: attribute.name })] : [];
    };
    const body = called.node.flatMap((n) => {
      const label = n.name === "" ? "" : prefix + n.name;
      return this.#node(changed(NodeProtoSchema, n, { name: label }), { rename, resolve, calls });
    });
    // An input that is also an output has two outer names, which an Identity connects.
    const passed = called.output.filter((output) => given.has(output));
    return [...body, ...passed.map((output) => identity(given.get(output)!, results.get(output)!))];
  }
}

const identity = (from: string, to: string): NodeProto =>
  create(NodeProtoSchema, { name: `${to}_passed`, opType: "Identity", input: [from], output: [to] });

/** The graph of a model with all function calls inlined. @throws OnnxError for recursive functions, and for functions of another opset. */
export const inlineFunctions = (model: ModelProto, graph: GraphProto, opset: number): GraphProto => {
  if (model.functions.length === 0) return graph;
  for (const { name, domain, opsetImport } of model.functions) {
    const own = opsetImport.find((o) => standard(o.domain) === "");
    if (own && Number(own.version) !== opset)
      throw new OnnxError(`is written in opset ${own.version}, the model in ${opset}`, `function ${domain}.${name}`);
  }
  const whole: Frame = { rename: (name) => name, resolve: (a) => [a], calls: [] };
  return new Inliner(model.functions).graph(graph, whole);
};
