/**
 * A checkpoint as bytes: a JSON header, its length before it (uint32, little-endian), then the typed arrays one after
 * another, each from a multiple of 4 bytes on. The same checkpoint gives the same bytes.
 */

import { tensor, type DType, type Tensor } from "../tensor.ts";
import type { Clock, State } from "./attack.ts";
import type { Checkpoint } from "./run.ts";

const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;
type ArrayType = keyof typeof arrays;

/** In the header, in place of a typed array. */
interface Placed {
  readonly $array: ArrayType;
  readonly length: number;
}

const typeOf = (value: Float32Array | Int32Array | Uint8Array): ArrayType =>
  value instanceof Float32Array ? "float32" : value instanceof Int32Array ? "int32" : "uint8";

const paddedTo4 = (bytes: number): number => 4 * Math.ceil(bytes / 4);

/** NaN and the infinities, which JSON lacks. */
const special: Readonly<Record<string, number>> = { NaN, Infinity, "-Infinity": -Infinity, "-0": -0 };
const numberText = (value: number): number | { readonly $number: string } =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? "-0" : String(value) };

/** A checkpoint as bytes. @throws TypeError for a tensor among the feeds that no checkpoint holds. */
export const writeCheckpoint = ({ step, x, state, feeds, clock }: Checkpoint): Uint8Array<ArrayBuffer> => {
  const parts: (Float32Array | Int32Array | Uint8Array)[] = [];
  const plain = (value: State): unknown => {
    if (typeof value === "number") return numberText(value);
    if (value === null || typeof value !== "object") return value;
    if (ArrayBuffer.isView(value)) {
      const array = value;
      parts.push(array);
      return { $array: typeOf(array), length: array.length } satisfies Placed;
    }
    if (Array.isArray(value)) return value.map((item: State) => plain(item));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
  };
  // In the order in which they are read.
  const [start, remembered] = [plain(x), plain(state)];
  const stored = Object.entries(feeds ?? {}).map(([name, { dtype, shape, data }]) => {
    if (!(dtype in arrays)) throw new TypeError(`a checkpoint holds no ${dtype} tensor`);
    return [name, dtype, shape, plain(data as State)];
  });
  const header = new TextEncoder().encode(
    JSON.stringify({ step, x: start, state: remembered, feeds: feeds && stored, clock }),
  );
  const starts = paddedTo4(4 + header.length);
  const out = new Uint8Array(parts.reduce((end, part) => end + paddedTo4(part.byteLength), starts));
  new DataView(out.buffer).setUint32(0, header.length, true);
  out.set(header, 4);
  parts.reduce((at, part) => {
    out.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    return at + paddedTo4(part.byteLength);
  }, starts);
  return out;
};

/** The checkpoint that `writeCheckpoint` wrote. @throws RangeError where the bytes are not those of a checkpoint. */
export const readCheckpoint = (bytes: Uint8Array): Checkpoint => {
  const { header, starts } = headerOf(bytes);
  let at = starts;
  const array = ({ $array, length }: Placed) => {
    const type = arrays[$array];
    const end = at + length * type.BYTES_PER_ELEMENT;
    if (!type || !Number.isInteger(length) || end > bytes.length)
      throw new RangeError("a checkpoint ends before its arrays do");
    // A copy: `slice` of Node's Buffer is none.
    const copy = new Uint8Array(bytes.subarray(at, end));
    at += paddedTo4(copy.length);
    return new type(copy.buffer);
  };
  const restored = (value: unknown): State => {
    if (value === null || typeof value !== "object") return value as State;
    if (Array.isArray(value)) return value.map(restored);
    if ("$array" in value) return array(value as Placed);
    if ("$number" in value) return special[String(value.$number)] ?? NaN;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, restored(item)]));
  };
  const { step, x, state, feeds, clock } = header as Record<string, unknown>;
  const [start, remembered] = [restored(x), restored(state)];
  if (typeof step !== "number" || !(start instanceof Float32Array))
    throw new RangeError("a checkpoint has a step and an image");
  const fed = (feeds as readonly (readonly [string, DType, readonly number[], Placed])[] | undefined)?.map(
    ([name, dtype, shape, placed]): [string, Tensor] => [
      name,
      tensor(dtype as "float32", shape, array(placed) as Float32Array<ArrayBuffer>),
    ],
  );
  return {
    step,
    x: start,
    state: remembered,
    ...(fed ? { feeds: Object.fromEntries(fed) } : {}),
    ...(clock ? { clock: clock as Clock } : {}),
  };
};

const headerOf = (bytes: Uint8Array): { readonly header: unknown; readonly starts: number } => {
  const length = bytes.length < 4 ? Infinity : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (4 + length > bytes.length) throw new RangeError("a checkpoint ends before its header does");
  try {
    const header: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes.subarray(4, 4 + length)),
    );
    return { header, starts: paddedTo4(4 + length) };
  } catch (cause) {
    throw new RangeError("a checkpoint's header is not JSON", { cause });
  }
};
