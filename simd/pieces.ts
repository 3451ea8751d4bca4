/**
 * Loops that treat each value of vectors alone take the addresses of pieces, of the same number of float32 each, and may write where
 * they read. Up to three values beyond the last one are computed too, from zeros, and not used. `src/simd/pieces.ts` calls them.
 */

/** Address of the sums of a piece, float64. */
export const SUMS: usize = 65536 - 64;

/** The bits of those of four values, from the byte i of a piece on, that are among its first `count`. */
export function among(i: usize, count: usize): v128 {
  return i32x4.lt_u(i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(i32(i >> 2))), i32x4.splat(i32(count)));
}

/** The second half of four float32 as float64. */
export function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

/** Two pairs of float64, rounded to four float32. */
export function demote(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** Four values, brought into low..high; a NaN stays one. */
export function clamped(v: v128, low: v128, high: v128): v128 {
  const raised = v128.bitselect(low, v, f32x4.lt(v, low));
  return v128.bitselect(high, raised, f32x4.gt(raised, high));
}

/** The largest of four values. */
export function largestOf(v: v128): f32 {
  const both = f32x4.max(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return max(f32x4.extract_lane(both, 0), f32x4.extract_lane(both, 1));
}

/** The sum of two float64. */
export function totalOf(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}
