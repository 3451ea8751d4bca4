/** Dense tensors: data in row-major order, a shape and an element type. They are immutable by convention. */

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/** Element types, named as ONNX names them. `bool` is one byte each; `float16` holds raw bits. */
export type DType = keyof typeof arrays;

/** The typed array that holds elements of type `D`. */
export type DataOf<D extends DType = DType> = InstanceType<(typeof arrays)[D]>;

/** A dense tensor: `data` in row-major order, as many elements as `shape` multiplies to. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DataOf<D>;
}

/** Height and width of an image or of a feature map, in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

type Shaped = { readonly shape: readonly number[] };

interface Dimensions {
  readonly 2: readonly [number, number];
  readonly 3: readonly [number, number, number];
  readonly 4: readonly [number, number, number, number];
}

/** The dimensions of what must have that rank. @throws RangeError where it has another. */
export const dimensionsOf = <R extends keyof Dimensions>({ shape }: Shaped, rank: R): Dimensions[R] => {
  if (shape.length !== rank) throw new RangeError(`[${shape.join(", ")}] has rank ${shape.length}, not ${rank}`);
  return shape as Dimensions[R];
};

/** Height and width, the last two dimensions of `[…, H, W]`. @throws RangeError where there are fewer than two. */
export const spatialSize = ({ shape }: Shaped): Size => {
  const [height, width] = dimensionsOf({ shape: shape.slice(-2) }, 2);
  return { height, width };
};

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Bytes that one element of the type takes. */
export const bytesPerElement = (dtype: DType): number => arrays[dtype].BYTES_PER_ELEMENT;

/** Row-major strides, in elements. */
export const stridesOf = (shape: readonly number[]): number[] => {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
};

/** A tensor over the given data. @throws RangeError if the length of the data is not the size of the shape. */
export const tensor = <D extends DType>(dtype: D, shape: readonly number[], data: DataOf<D>): Tensor<D> => {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`tensor: ${data.length} values do not fill shape [${shape.join(", ")}]`);
  }
  return { dtype, shape, data };
};

/** A tensor of plain numbers, which are converted to bigint for 64-bit types. */
export const tensorOf = <D extends DType>(dtype: D, shape: readonly number[], values: ArrayLike<number>): Tensor<D> => {
  const big = dtype === "int64" || dtype === "uint64";
  const data = newData(dtype, values.length) as DataOf;
  for (let i = 0; i < values.length; i++) data[i] = big ? BigInt(values[i]!) : values[i]!;
  return tensor(dtype, shape, data as DataOf<D>);
};

/** A tensor of zeros. */
export const zeros = <D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> =>
  tensor(dtype, shape, newData(dtype, sizeOf(shape)));

/** A scalar (rank 0) tensor. */
export const scalar = <D extends DType>(dtype: D, value: number): Tensor<D> => tensorOf(dtype, [], [value]);

/** An array of `length` zeros of the type. */
export const newData = <D extends DType>(dtype: D, length: number): DataOf<D> => new arrays[dtype](length) as DataOf<D>;

/** Arrays of one type and length, one after another; one alone is itself. */
export const joined = <T extends DataOf>(parts: readonly T[]): T => {
  const [first] = parts as readonly [T, ...T[]];
  if (parts.length === 1) return first;
  const whole = new (first.constructor as new (length: number) => T)(parts.length * first.length);
  for (const [i, part] of parts.entries()) (whole as Float32Array).set(part as Float32Array, i * first.length);
  return whole;
};

/** The elements as plain numbers; exact for integers up to 2^53. */
export const numbersOf = (t: Tensor): number[] => Array.from(t.data as ArrayLike<number | bigint>, Number);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** A tensor whose elements all have one value. */
export const filled = (dtype: DType, shape: readonly number[], value: number): Tensor => {
  const data = newData(dtype, sizeOf(shape));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
  else data.fill(value);
  return tensor(dtype, shape, data);
};

/** Whether two arrays hold the same bytes. */
export const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean => {
  const [x, y] = [a, b].map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) as [
    Uint8Array,
    Uint8Array,
  ];
  return x.length === y.length && x.every((byte, i) => byte === y[i]);
};
