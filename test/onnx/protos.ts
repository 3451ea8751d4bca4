/** Files as protobuf, for what `modelOf` cannot say. */

import { create, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProtoSchema, type NodeProtoSchema } from "onnx-buf";

/** The fields of a message, of which all may be left out. */
export type Init<S extends DescMessage> = Exclude<MessageInitShape<S>, MessageShape<S>>;
export type ModelInit = Init<typeof ModelProtoSchema>;
export type GraphInit = Init<typeof GraphProtoSchema>;
export type NodeInit = Init<typeof NodeProtoSchema>;

const dimension = (d: bigint | number | string) =>
  typeof d === "string"
    ? { value: { case: "dimParam" as const, value: d } }
    : { value: { case: "dimValue" as const, value: BigInt(d) } };

/** An input or an output, of numbers or names as its sizes. */
export const value = (name: string, dims: readonly (bigint | number | string)[] = [2], elemType = 1) => ({
  name,
  type: { value: { case: "tensorType" as const, value: { elemType, shape: { dim: dims.map(dimension) } } } },
});

export const relu = (input: string, output: string, name = ""): NodeInit => ({
  opType: "Relu",
  name,
  input: [input],
  output: [output],
});

export const bytesOf = (graph: GraphInit, model: ModelInit = {}): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 18n }], graph, ...model }),
  );
