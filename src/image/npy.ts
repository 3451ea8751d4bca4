/** NumPy's NPY format 1.0, little-endian and in C order, which stores tensors bit for bit. */
import { bytesPerElement, newData, sizeOf, tensor, type DType, type Tensor } from "../tensor.ts";
import { nameAt, viewOf } from "./bytes.ts";
import { ImageError } from "./error.ts";

const descriptors = { float32: "<f4", float64: "<f8", uint8: "|u1", int32: "<i4", int64: "<i8" } as const;
type NpyDType = keyof typeof descriptors & DType;

const magic = "\x93NUMPY";
const prefix = 10;

const malformed = (message: string): ImageError => new ImageError("malformed", `NPY: ${message}`);

/** Encodes a tensor as an NPY file. The machine must be little-endian, as for WASM. */
export const encodeNpy = <D extends NpyDType>({ dtype, shape, data }: Tensor<D>): Uint8Array => {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descriptors[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The header ends with a newline at a multiple of 64 bytes.
  const header = text.padEnd(Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix - 1) + "\n";
  const file = new Uint8Array(prefix + header.length + data.byteLength);
  const start = `${magic}\x01\x00${String.fromCharCode(header.length & 0xff, header.length >> 8)}${header}`;
  for (let i = 0; i < start.length; i++) file[i] = start.charCodeAt(i);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start.length);
  return file;
};

/**
 * Reads an NPY file of float32, float64, uint8, int32 or int64 in C order.
 *
 * @throws ImageError `malformed`, or `unsupported-format` for another type, order or version
 */
export const decodeNpy = (bytes: Uint8Array): Tensor<NpyDType> => {
  if (bytes.length < prefix || nameAt(bytes, 0, 6) !== magic) throw malformed("the signature is missing");
  if (bytes[6] !== 1) throw new ImageError("unsupported-format", `NPY: version ${bytes[6]} is not supported; 1.0 is`);
  const start = prefix + viewOf(bytes).getUint16(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(prefix, start));
  const descr = /'descr': '([^']*)'/.exec(header)?.[1];
  const shape = /'shape': \(([0-9, ]*)\)/.exec(header)?.[1];
  if (start > bytes.length || descr === undefined || shape === undefined) throw malformed("the header is incomplete");
  const dtype = (Object.keys(descriptors) as NpyDType[]).find((type) => descriptors[type] === descr);
  if (!dtype || !header.includes("'fortran_order': False")) {
    throw new ImageError(
      "unsupported-format",
      `NPY: ${header.trim()} is not supported; C order and ${Object.values(descriptors).join(", ")} are`,
    );
  }
  return readData(
    dtype,
    shape
      .split(",")
      .filter((d) => d.trim() !== "")
      .map(Number),
    bytes.subarray(start),
  );
};

const readData = (dtype: NpyDType, shape: readonly number[], bytes: Uint8Array): Tensor<NpyDType> => {
  const expected = sizeOf(shape) * bytesPerElement(dtype);
  if (bytes.length !== expected)
    throw malformed(`the data has ${bytes.length} bytes; shape [${shape.join(", ")}] needs ${expected}`);
  const data = newData(dtype, sizeOf(shape));
  new Uint8Array(data.buffer).set(bytes);
  return tensor(dtype, shape, data);
};
