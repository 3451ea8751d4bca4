/** Where vectors lie in the module's memory while a loop runs. Nothing stays there from one call to the next. */

import { loops } from "./loops.ts";

/** The size of a page. The first is the module's own. */
const PAGE = 2 ** 16;

/** Where vectors can lie from. */
export const FIRST = PAGE;

/** The memory, which has grown to hold so many bytes. */
export const memoryOf = (bytes: number): WebAssembly.Memory => {
  const { memory } = loops();
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  return memory;
};

/** Addresses of areas of so many bytes, one after another, each a multiple of 16; the memory grows to hold them. */
export const areas = <const Sizes extends readonly number[]>(
  ...sizes: Sizes
): { readonly [K in keyof Sizes]: number } => {
  let end = FIRST;
  const addresses = sizes.map((size) => {
    const at = end;
    end += Math.ceil(size / 16) * 16;
    return at;
  });
  // What is read beyond the end of a vector, by less than a vector of 16 bytes, is not used.
  memoryOf(end + 16);
  return addresses as { readonly [K in keyof Sizes]: number };
};

/** The memory as float32 and as float64, until it grows. */
export const float32s = (): Float32Array<ArrayBuffer> => new Float32Array(loops().memory.buffer);
export const float64s = (): Float64Array<ArrayBuffer> => new Float64Array(loops().memory.buffer);
