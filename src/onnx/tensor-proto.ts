/** Conversion of tensors from and to ONNX's TensorProto. */

import { create } from "@bufbuild/protobuf";
import { TensorProtoSchema, TensorProto_DataLocation, TensorProto_DataType, type TensorProto } from "onnx-buf";
import { bytesPerElement, newData, sizeOf, tensor, tensorOf, type DType, type Tensor } from "../tensor.ts";
import { externalBytes, type External } from "./external-data.ts";
import { OnnxError } from "./graph.ts";

/** ONNX's codes of the element types. */
const codes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};
const dtypes = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));

/** Types of 4 bits, whose constants are unpacked to bytes; they are inputs of DequantizeLinear. */
const nibbles = new Map<number, "uint8" | "int8">([
  [21, "uint8"],
  [22, "int8"],
]);

/** Whether the elements of a tensor have 4 bits. */
export const isNibbles = (proto: TensorProto): boolean => nibbles.has(proto.dataType);

export const codeOf = (dtype: DType): number => codes[dtype];

/** @throws OnnxError for an element type that is not supported (string, bfloat16, float8 …). */
export const dtypeOf = (code: number, place: string): DType => {
  const dtype = dtypes.get(code);
  if (!dtype) {
    const name = TensorProto_DataType[code]?.toLowerCase() ?? code;
    throw new OnnxError(`element type ${name} is not supported; supported: ${Object.keys(codes).join(", ")}`, place);
  }
  return dtype;
};

/** Maximum number of elements of one tensor; a file with larger tensors is refused as hostile. */
const MAX_ELEMENTS = 2 ** 29;

const shapeOf = (proto: TensorProto, place: string): number[] => {
  const shape = proto.dims.map(Number);
  if (shape.some((d) => d < 0) || sizeOf(shape) > MAX_ELEMENTS) {
    throw new OnnxError(`shape [${shape.join(", ")}] is negative or over ${MAX_ELEMENTS} elements`, place);
  }
  return shape;
};

/** The field that holds the values if they are not in raw_data. */
const typedField = (proto: TensorProto, dtype: DType): readonly (number | bigint)[] => {
  switch (dtype) {
    case "float32":
      return proto.floatData;
    case "float64":
      return proto.doubleData;
    case "int64":
      return proto.int64Data;
    case "uint32":
    case "uint64":
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
};

const fieldsOf = (proto: TensorProto): Map<string, string> =>
  new Map(proto.externalData.map(({ key, value }) => [key, value]));

/**
 * @param external reads a separate file in the model's folder that may hold the values.
 * @throws OnnxError if the external file is not available, for unsupported element types, and for lengths that contradict the shape.
 */
export const readTensor = (proto: TensorProto, place: string, external?: External): Tensor => {
  const shape = shapeOf(proto, place);
  const size = sizeOf(shape);
  const isExternal = proto.dataLocation === TensorProto_DataLocation.EXTERNAL || proto.externalData.length > 0;
  const raw = isExternal ? externalBytes(fieldsOf(proto), external, place) : proto.rawData;
  const packed = nibbles.get(proto.dataType);
  if (packed) return unpacked(packed, shape, raw.length > 0 ? raw : proto.int32Data, place);
  const dtype = dtypeOf(proto.dataType, place);
  const values = typedField(proto, dtype);
  const given = raw.length > 0 ? raw.length / bytesPerElement(dtype) : values.length;
  if (given !== size)
    throw new OnnxError(`holds ${given} values; its shape [${shape.join(", ")}] requires ${size}`, place);
  const data = newData(dtype, size);
  if (raw.length > 0) new Uint8Array(data.buffer).set(raw);
  else if (dtype === "int64" || dtype === "uint64") (data as BigInt64Array).set(values.map(BigInt));
  else (data as Float32Array).set(values.map(Number));
  return tensor(dtype, shape, data);
};

/** Unpacks elements of 4 bits; the low half of a byte comes first. */
const unpacked = (
  dtype: "uint8" | "int8",
  shape: readonly number[],
  bytes: ArrayLike<number>,
  place: string,
): Tensor => {
  const size = sizeOf(shape);
  if (bytes.length !== Math.ceil(size / 2))
    throw new OnnxError(
      `holds ${bytes.length} bytes; its shape [${shape.join(", ")}] requires ${Math.ceil(size / 2)}`,
      place,
    );
  const values = Array.from({ length: size }, (_, i) => (bytes[i >> 1]! >> (4 * (i % 2))) & 15);
  return tensorOf(dtype, shape, dtype === "int8" ? values.map((v) => (v > 7 ? v - 16 : v)) : values);
};

export const writeTensor = (name: string, t: Tensor): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dims: t.shape.map(BigInt),
    dataType: codeOf(t.dtype),
    rawData: new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength).slice(),
  });
