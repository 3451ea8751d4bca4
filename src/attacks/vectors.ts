/** Sums and differences of images, computed in float64 and rounded once, in loops: a call of `map`'s callback for each value takes ten times as long. */

import { loops } from "../simd/loops.ts";
import { inPieces } from "../simd/pieces.ts";

/** x + scale·d, value by value; `out` may be x or d itself. */
export const plus = (
  x: Float32Array,
  scale: number,
  d: Float32Array,
  out: Float32Array<ArrayBuffer> = new Float32Array(x.length),
): Float32Array<ArrayBuffer> => {
  inPieces([x, d], [out], (count, [at, change]) => loops().plus(count, at, scale, change, at));
  return out;
};

/** m ← decay·m + scale·g: a running sum. */
export const accumulate = (m: Float32Array, decay: number, g: Float32Array, scale: number): void => {
  for (let i = 0; i < m.length; i++) m[i] = decay * m[i]! + scale * g[i]!;
};
