/**
 * Loops that treat each value of a vector alone take vectors piece by piece: `src/simd/pieces.ts` copies up to 8192 values of each into
 * a slot of its own, the inputs first, then takes the outputs from the slots after them. Up to three values beyond the last one are
 * computed too; they are computed from zeros, and not used.
 */

/** Address of a slot. */
export function slot(k: usize): usize {
  return 65536 + (k << 15);
}

/** Address of the sums of a piece, float64. */
export const SUMS: usize = 65536 - 64;

/** Of four values from the byte i of a slot on, those among the first `count` of it: their bits. */
export function among(i: usize, count: usize): v128 {
  return i32x4.lt_u(i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(<i32>(i >> 2))), i32x4.splat(<i32>count));
}

/** The second half of four float32 as float64. */
export function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

/** Two pairs of float64, rounded to four float32. */
export function demote(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}
