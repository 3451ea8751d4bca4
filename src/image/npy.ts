/** NumPy's NPY format 1.0, little-endian and in C order, which stores tensors bit for bit. */
import { bytesPerElement, newData, sizeOf, tensor, type DType, type Tensor } from "../tensor.ts";
import { nameAt, viewOf } from "./bytes.ts";
import { ImageError } from "./error.ts";

const descriptors = {
  float32: "<f4",
  float64: "<f8",
  uint8: "|u1",
  uint16: "<u2",
  int32: "<i4",
  int64: "<i8",
} as const;
export type NpyDType = keyof typeof descriptors & DType;

const magic = "\x93NUMPY";
const prefix = 10;

/** Maximum length of a header; those of NumPy have 118 bytes for arrays of few axes. */
const MAX_HEADER = 4096;

const MAX_RANK = 32;

export const isNpy = (bytes: Uint8Array): boolean => bytes.length >= magic.length && nameAt(bytes, 0, 6) === magic;

const malformed = (message: string): ImageError => new ImageError("malformed", `NPY: ${message}`);
const unsupported = (message: string): ImageError => new ImageError("unsupported-format", `NPY: ${message}`);

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

/** The header of an NPY file; its data are `bytes` elements long, beginning at `start`. */
export interface NpyHeader {
  readonly dtype: NpyDType;
  readonly shape: readonly number[];
  /** Offset of the data in the file. */
  readonly start: number;
}

const shapeOf = (text: string): readonly number[] => {
  const shape = text
    .split(",")
    .map((d) => d.trim())
    .filter((d) => d !== "")
    .map(Number);
  if (shape.length > MAX_RANK || !shape.every((d) => Number.isSafeInteger(d) && d >= 0))
    throw malformed(`its shape (${text.slice(0, 100)}) is not one of at most ${MAX_RANK} sizes`);
  return shape;
};

/**
 * Reads the header of an NPY file of float32, float64, uint8, uint16, int32 or int64 in C order, and checks it against the file's
 * length; nothing is allocated for the data.
 *
 * @throws ImageError `malformed`, or `unsupported-format` for another type, order or version
 */
export const readNpyHeader = (bytes: Uint8Array): NpyHeader => {
  if (bytes.length < prefix || !isNpy(bytes)) throw malformed("the signature is missing");
  if (bytes[6] !== 1) throw unsupported(`version ${bytes[6]} is not supported; 1.0 is`);
  const length = viewOf(bytes).getUint16(8, true);
  if (length > MAX_HEADER) throw malformed(`the header has ${length} bytes; at most ${MAX_HEADER} are allowed`);
  const start = prefix + length;
  const header = new TextDecoder("latin1").decode(bytes.subarray(prefix, start));
  const descr = /'descr': '([^']*)'/.exec(header)?.[1];
  const shapeText = /'shape': \(([0-9, ]*)\)/.exec(header)?.[1];
  if (start > bytes.length || descr === undefined || shapeText === undefined)
    throw malformed("the header is incomplete");
  const dtype = (Object.keys(descriptors) as NpyDType[]).find((type) => descriptors[type] === descr);
  if (!dtype)
    throw unsupported(`type ${descr.slice(0, 20)} is not supported; ${Object.values(descriptors).join(", ")} are`);
  if (!header.includes("'fortran_order': False"))
    throw unsupported("Fortran order is not supported, only C order (numpy.ascontiguousarray)");
  const shape = shapeOf(shapeText);
  const expected = sizeOf(shape) * bytesPerElement(dtype);
  if (bytes.length - start !== expected)
    throw malformed(`the data has ${bytes.length - start} bytes; shape [${shape.join(", ")}] needs ${expected}`);
  return { dtype, shape, start };
};

/** Reads an NPY file. @throws ImageError as `readNpyHeader` */
export const decodeNpy = (bytes: Uint8Array): Tensor<NpyDType> => {
  const { dtype, shape, start } = readNpyHeader(bytes);
  const data = newData(dtype, sizeOf(shape));
  new Uint8Array(data.buffer).set(bytes.subarray(start));
  return tensor(dtype, shape, data);
};

/** A perturbation of an NPY file: float32 or float64, of any shape. @throws ImageError as `readNpyHeader`, and for another type. */
export const readDelta = (bytes: Uint8Array): Tensor<"float32"> => {
  const { dtype } = readNpyHeader(bytes);
  if (dtype !== "float32" && dtype !== "float64")
    throw unsupported(`a perturbation is float32 or float64 in grey levels, not ${dtype}`);
  const { shape, data } = decodeNpy(bytes);
  return tensor("float32", shape, Float32Array.from(data as Float64Array));
};
