/** Writes a Model as the bytes of an ONNX file. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as Kind,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ValueInfoProto,
} from "onnx-buf";
import type { Attribute, Dimension, Graph, Model, ValueInfo } from "./graph.ts";
import { codeOf, writeTensor } from "./tensor-proto.ts";

/** The bytes of an ONNX file of a model; `readModel(writeModel(m))` is equivalent to `m`. */
export const writeModel = (model: Model): Uint8Array<ArrayBuffer> => {
  const opsets = [["", model.opset] as const, ...model.domains];
  const proto = create(ModelProtoSchema, {
    irVersion: BigInt(model.irVersion),
    producerName: model.producer,
    opsetImport: opsets.map(([domain, version]) => ({ domain, version: BigInt(version) })),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    graph: writeGraph(model.graph, model.irVersion < 4),
  });
  return new Uint8Array(toBinary(ModelProtoSchema, proto));
};

/** @param listed lists every initializer among the inputs as well, as required before IR version 4. */
const writeGraph = (graph: Graph, listed = false): GraphProto =>
  create(GraphProtoSchema, {
    name: graph.name,
    input: [
      ...graph.inputs.map(writeValueInfo),
      ...(listed ? [...graph.initializers].map(([name, t]) => writeValueInfo({ ...t, name })) : []),
    ],
    output: graph.outputs.map(writeValueInfo),
    initializer: [...graph.initializers].map(([name, t]) => writeTensor(name, t)),
    node: graph.nodes.map((n) =>
      create(NodeProtoSchema, {
        name: n.name,
        opType: n.op,
        domain: n.domain,
        input: [...n.inputs],
        output: [...n.outputs],
        attribute: Object.entries(n.attributes).map(([name, a]) => writeAttribute(name, a)),
      }),
    ),
  });

const writeValueInfo = ({ name, dtype, shape, untyped }: ValueInfo): ValueInfoProto => {
  if (untyped) return create(ValueInfoProtoSchema, { name });
  const dims = shape && create(TensorShapeProtoSchema, { dim: shape.map(writeDimension) });
  const type = create(TypeProto_TensorSchema, { elemType: codeOf(dtype), ...(dims ? { shape: dims } : {}) });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: type } }),
  });
};

const writeDimension = (d: Dimension) =>
  create(TensorShapeProto_DimensionSchema, {
    value:
      typeof d === "number"
        ? { case: "dimValue", value: BigInt(d) }
        : d === null
          ? { case: undefined }
          : { case: "dimParam", value: d },
  });

const utf8 = (s: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(s));

const writeAttribute = (name: string, attribute: Attribute): AttributeProto => {
  const { type, value } = attribute;
  switch (type) {
    case "float":
      return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: value });
    case "int":
      return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) });
    case "string":
      return create(AttributeProtoSchema, { name, type: Kind.STRING, s: utf8(value) });
    case "floats":
      return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...value] });
    case "ints":
      return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: value.map(BigInt) });
    case "strings":
      return create(AttributeProtoSchema, { name, type: Kind.STRINGS, strings: value.map(utf8) });
    case "tensor":
      return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: writeTensor("", value) });
    case "graph":
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: writeGraph(value) });
    default:
      return attribute satisfies never;
  }
};
