/** Reads a Model from the bytes of an ONNX file. Only this file, write.ts, tensor-proto.ts and inline.ts use protobuf. */

import { fromBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from "onnx-buf";
import type { Tensor } from "../tensor.ts";
import {
  OnnxError,
  type Attribute,
  type Dimension,
  type Graph,
  type Model,
  type Node,
  type ValueInfo,
} from "./graph.ts";
import { cached, type External } from "./external-data.ts";
import { inlineFunctions } from "./inline.ts";
import { foreignFormat } from "./not-onnx.ts";
import { sortNodes, type Scope } from "./sort.ts";
import { dtypeOf, isNibbles, readTensor } from "./tensor-proto.ts";

/** The supported versions of the standard operator set. */
export const OPSETS = { min: 7, max: 28 } as const;

const MAX_DIMENSION = 2 ** 31;

export interface ReadOptions {
  /** Reads a file of weights in the model's folder. Its path never leaves this folder. */
  readonly external?: External;
}

/**
 * Reads the bytes of an ONNX file, of opset 7 to 28.
 *
 * @throws OnnxError, with the location, for a file that is damaged, malformed or not supported.
 */
export const readModel = (bytes: Uint8Array, { external }: ReadOptions = {}): Model => {
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) throw new OnnxError(foreign, "model");
  const proto = decode(bytes);
  if (!proto.graph) throw new OnnxError("has no graph; is this an ONNX file?", "model");
  const versions = new Map(proto.opsetImport.map((o) => [o.domain === "ai.onnx" ? "" : o.domain, Number(o.version)]));
  const opset = versions.get("");
  if (opset === undefined || opset < OPSETS.min || opset > OPSETS.max) {
    throw new OnnxError(
      `opset ${opset ?? "(none)"} is not supported; supported: ${OPSETS.min} to ${OPSETS.max}`,
      "model",
    );
  }
  versions.delete("");
  return {
    irVersion: Number(proto.irVersion),
    opset,
    domains: versions,
    producer: [proto.producerName, proto.producerVersion].filter(Boolean).join(" "),
    metadata: new Map(proto.metadataProps.map((p) => [p.key, p.value])),
    graph: readGraph(inlineFunctions(proto, proto.graph, opset), `graph "${proto.graph.name}"`, {
      outer: new Set(),
      external: external && cached(external),
    }),
  };
};

const decode = (bytes: Uint8Array): ModelProto => {
  if (bytes.length === 0) throw new OnnxError("the file is empty", "model");
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new OnnxError(`not an ONNX file, or a truncated one (${bytes.length} bytes)`, "model", { cause });
  }
};

interface Surroundings {
  /** Names of the enclosing graphs, which a subgraph may capture. */
  readonly outer: Scope;
  readonly external: External | undefined;
}

const readGraph = (proto: GraphProto, place: string, { outer, external }: Surroundings): Graph => {
  if (proto.sparseInitializer.length > 0) throw new OnnxError("sparse initializers are not supported", place);
  const initializers = new Map<string, Tensor>();
  for (const t of proto.initializer) {
    if (initializers.has(t.name)) throw new OnnxError(`initializer "${t.name}" is defined twice`, place);
    initializers.set(t.name, readTensor(t, `${place}, initializer "${t.name}"`, external));
  }
  // An initializer that is also an input is the default of that input; before IR version 4 every initializer was.
  const inputs = proto.input
    .filter((v) => !initializers.has(v.name))
    .map((v) => readValueInfo(v, `${place}, input "${v.name}"`));
  checkNames([...inputs.map((v) => v.name), ...initializers.keys()], "input or initializer", place);
  const given = new Set([...inputs.map((v) => v.name), ...initializers.keys()]);
  const known = nestedScope(outer, given);
  const visible = nestedScope(known, new Set(proto.node.flatMap((n) => n.output)));
  const nodes = sortNodes(
    proto.node.map((n, i) => readNode(n, i, place, { outer: visible, external })),
    known,
    place,
  );
  refuseNibbles(proto, place);
  const outputs = proto.output.map((v) => readValueInfo(v, `${place}, output "${v.name}"`));
  const outputNames = outputs.map((v) => v.name);
  if (outputs.length === 0) throw new OnnxError("has no outputs", place);
  checkNames(outputNames, "output", place);
  const missing = outputNames.find((name) => !visible.has(name));
  if (missing !== undefined) throw new OnnxError(`output "${missing}" is produced by no node`, place);
  return { name: proto.name, inputs, outputs, initializers, nodes };
};

/** Refuses quantisation to 4 bits: its zero point would be read as bytes, so that the result would saturate at the bounds of bytes. */
const refuseNibbles = (proto: GraphProto, place: string): void => {
  const constants = proto.node.filter((n) => n.attribute.some((a) => a.t && isNibbles(a.t)));
  const names = new Set([
    ...proto.initializer.filter(isNibbles).map((t) => t.name),
    ...constants.flatMap((n) => n.output),
  ]);
  const node = proto.node.find((n) => n.opType === "QuantizeLinear" && names.has(n.input[2] ?? ""));
  if (node) throw new OnnxError("quantises to 4 bits, which only constants may have", `${place}, node "${node.name}"`);
};

const nestedScope = (outer: Scope, own: ReadonlySet<string>): Scope => ({
  has: (name) => own.has(name) || outer.has(name),
});

const checkNames = (names: readonly string[], what: string, place: string): void => {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === "") throw new OnnxError(`an ${what} has no name`, place);
    if (seen.has(name)) throw new OnnxError(`${what} "${name}" is listed twice`, place);
    seen.add(name);
  }
};

/** Placeholders that exporters write for every unknown size. They are not symbols: axes with the same symbol have the same size. */
const noSymbols: ReadonlySet<string> = new Set(["", "?", "*", "-1", "None", "null", "nan"]);

const readValueInfo = (proto: ValueInfoProto, place: string): ValueInfo => {
  // The type is optional for the outputs of subgraphs.
  if (proto.type?.value.case === undefined) return { name: proto.name, dtype: "float32", shape: null, untyped: true };
  if (proto.type.value.case !== "tensorType")
    throw new OnnxError(`is a ${proto.type.value.case}; only tensors are supported`, place);
  const { elemType, shape } = proto.type.value.value;
  const dims = shape?.dim.map(({ value }): Dimension => {
    if (value.case === "dimParam") return noSymbols.has(value.value) ? null : value.value;
    if (value.case !== "dimValue") return null;
    const size = Number(value.value);
    if (size === -1) return null;
    if (size < 0 || size > MAX_DIMENSION) throw new OnnxError(`dimension ${size} is out of range`, place);
    return size;
  });
  return { name: proto.name, dtype: dtypeOf(elemType, place), shape: dims ?? null };
};

const readNode = (proto: NodeProto, index: number, graph: string, around: Surroundings): Node => {
  const name = proto.name || `${proto.opType}_${index}`;
  const place = `${graph}, node ${index} ${proto.opType} "${name}"`;
  const attributes = proto.attribute.map(
    (a) => [a.name, readAttribute(a, `${place}, attribute "${a.name}"`, around)] as const,
  );
  return {
    name,
    op: proto.opType,
    domain: proto.domain === "ai.onnx" ? "" : proto.domain,
    inputs: [...proto.input],
    outputs: [...proto.output],
    attributes: Object.fromEntries(attributes),
  };
};

const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** An int64 as a number, at most the largest double below 2^63, so that "to the end" (2^63 − 1) can be written back. */
const toNumber = (i: bigint): number => Math.min(Number(i), 2 ** 63 - 1024);

const readAttribute = (proto: AttributeProto, place: string, around: Surroundings): Attribute => {
  switch (proto.type) {
    case Kind.FLOAT:
      return { type: "float", value: proto.f };
    case Kind.INT:
      return { type: "int", value: toNumber(proto.i) };
    case Kind.STRING:
      return { type: "string", value: text.decode(proto.s) };
    case Kind.FLOATS:
      return { type: "floats", value: [...proto.floats] };
    case Kind.INTS:
      return { type: "ints", value: proto.ints.map(toNumber) };
    case Kind.STRINGS:
      return { type: "strings", value: proto.strings.map((s) => text.decode(s)) };
    case Kind.TENSOR:
      if (proto.t) return { type: "tensor", value: readTensor(proto.t, place, around.external) };
      break;
    case Kind.GRAPH:
      if (proto.g) return { type: "graph", value: readGraph(proto.g, place, around) };
      break;
    default:
  }
  throw new OnnxError(`attribute kind ${Kind[proto.type] ?? proto.type} is empty or not supported`, place);
};
