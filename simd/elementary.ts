/**
 * Elementary functions of two float64. The reductions and the polynomials of log, sin and cos are those of fdlibm (Sun Microsystems,
 * 1993), that of exp is its Taylor series. `test/simd/elementary.test.ts` bounds their errors.
 */

/** ln 2 in two parts, the first of which has 21 trailing zeros: its product with a small integer is exact. */
const LN2_HIGH: f64 = 6.9314718036912381649e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

/** sum·x + c */
function horner(sum: v128, x: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(sum, x), f64x2.splat(c));
}

/** sum·x plus the k-th of coefficients that lie in memory. */
export function hornerAt(sum: v128, x: v128, coefficients: usize, k: usize): v128 {
  return f64x2.add(f64x2.mul(sum, x), v128.load64_splat(coefficients + (k << 3)));
}

/** 1/13!, 1/12!, …, 1/2!. */
const EXP = memory.data<f64>([
  1.0 / 6227020800.0,
  1.0 / 479001600.0,
  1.0 / 39916800.0,
  1.0 / 3628800.0,
  1.0 / 362880.0,
  1.0 / 40320.0,
  1.0 / 5040.0,
  1.0 / 720.0,
  1.0 / 120.0,
  1.0 / 24.0,
  1.0 / 6.0,
  0.5,
]);

/** The integer next to x/ln 2. */
export function exponentOf(x: v128): v128 {
  return f64x2.nearest(f64x2.mul(x, f64x2.splat(Math.LOG2E)));
}

/** x − k ln 2 */
export function remainderOf(x: v128, k: v128): v128 {
  const high = f64x2.sub(x, f64x2.mul(k, f64x2.splat(LN2_HIGH)));
  return f64x2.sub(high, f64x2.mul(k, f64x2.splat(LN2_LOW)));
}

/** 2ᵏ for integers k of exponents: the last bits of k + 1023 + 1.5·2⁵² are its exponent's. */
export function powerOf(k: v128): v128 {
  return i64x2.shl(f64x2.add(k, f64x2.splat(6755399441055744.0 + 1023)), 52);
}

/** eˣ; 0 below −708, where it has fewer digits, and Infinity above 709. */
export function exp(x: v128): v128 {
  const k = exponentOf(x);
  const r = remainderOf(x, k);
  // (eʳ − 1 − r)/r² for |r| ≤ ln 2 / 2
  let sum = v128.load64_splat(EXP);
  sum = hornerAt(sum, r, EXP, 1);
  sum = hornerAt(sum, r, EXP, 2);
  sum = hornerAt(sum, r, EXP, 3);
  sum = hornerAt(sum, r, EXP, 4);
  sum = hornerAt(sum, r, EXP, 5);
  sum = hornerAt(sum, r, EXP, 6);
  sum = hornerAt(sum, r, EXP, 7);
  sum = hornerAt(sum, r, EXP, 8);
  sum = hornerAt(sum, r, EXP, 9);
  sum = hornerAt(sum, r, EXP, 10);
  sum = hornerAt(sum, r, EXP, 11);
  const e = f64x2.add(f64x2.splat(1), f64x2.add(r, f64x2.mul(f64x2.mul(r, r), sum)));
  const finite = v128.andnot(f64x2.mul(e, powerOf(k)), f64x2.lt(x, f64x2.splat(-708)));
  return v128.bitselect(f64x2.splat(Infinity), finite, f64x2.gt(x, f64x2.splat(709)));
}

/** ln x of a normal positive x: x = 2ᵏ(1 + f) with 1 + f in √½..√2, ln(1 + f) = f − (f²/2 − s(f²/2 + R)), s = f/(2 + f). */
export function log(x: v128): v128 {
  const exponent = v128.or(i64x2.shr_u(x, 52), i64x2.splat(0x4330000000000000));
  const mantissa = v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3ff0000000000000));
  const upper = f64x2.gt(mantissa, f64x2.splat(Math.SQRT2));
  const m = v128.bitselect(f64x2.mul(mantissa, f64x2.splat(0.5)), mantissa, upper);
  const whole = f64x2.sub(exponent, f64x2.splat(4503599627370496.0 + 1023));
  const k = f64x2.add(whole, v128.and(upper, f64x2.splat(1)));
  const f = f64x2.sub(m, f64x2.splat(1));
  const s = f64x2.div(f, f64x2.add(f64x2.splat(2), f));
  const z = f64x2.mul(s, s);
  let rest = f64x2.splat(1.479819860511658591e-1);
  rest = horner(rest, z, 1.531383769920937332e-1);
  rest = horner(rest, z, 1.818357216161805012e-1);
  rest = horner(rest, z, 2.222219843214978396e-1);
  rest = horner(rest, z, 2.857142874366239149e-1);
  rest = horner(rest, z, 3.999999999940941908e-1);
  rest = horner(rest, z, 6.66666666666673513e-1);
  const half = f64x2.mul(f64x2.splat(0.5), f64x2.mul(f, f));
  const correction = f64x2.add(f64x2.mul(s, f64x2.add(half, f64x2.mul(z, rest))), f64x2.mul(k, f64x2.splat(LN2_LOW)));
  return f64x2.sub(f64x2.mul(k, f64x2.splat(LN2_HIGH)), f64x2.sub(f64x2.sub(half, correction), f));
}

/** sin of |x| ≤ π/4. */
function sine(x: v128, z: v128): v128 {
  let sum = f64x2.splat(1.58969099521155010221e-10);
  sum = horner(sum, z, -2.50507602534068634195e-8);
  sum = horner(sum, z, 2.75573137070700676789e-6);
  sum = horner(sum, z, -1.98412698298579493134e-4);
  sum = horner(sum, z, 8.33333333332248946124e-3);
  sum = horner(sum, z, -1.66666666666666324348e-1);
  return f64x2.add(x, f64x2.mul(f64x2.mul(z, x), sum));
}

/** cos of |x| ≤ π/4, with z = x². */
function cosine(z: v128): v128 {
  let sum = f64x2.splat(-1.13596475577881948265e-11);
  sum = horner(sum, z, 2.0875723212981748279e-9);
  sum = horner(sum, z, -2.75573143513906633035e-7);
  sum = horner(sum, z, 2.48015872894767294178e-5);
  sum = horner(sum, z, -1.38888888888741095749e-3);
  sum = horner(sum, z, 4.16666666666666019037e-2);
  const half = f64x2.mul(f64x2.splat(0.5), z);
  const w = f64x2.sub(f64x2.splat(1), half);
  const lost = f64x2.sub(f64x2.sub(f64x2.splat(1), w), half);
  return f64x2.add(w, f64x2.add(lost, f64x2.mul(f64x2.mul(z, z), sum)));
}

/** cos 2πu for u in 0..1: with q the nearest integer to 4u, the cosine or the sine of 2π(u − q/4). */
export function cosineOfTurns(u: v128): v128 {
  const q = f64x2.nearest(f64x2.mul(u, f64x2.splat(4)));
  const r = f64x2.sub(u, f64x2.mul(q, f64x2.splat(0.25)));
  const x = f64x2.mul(r, f64x2.splat(2 * Math.PI));
  const z = f64x2.mul(x, x);
  const integer = f64x2.add(q, f64x2.splat(4503599627370496.0));
  const odd = i64x2.shr_s(i64x2.shl(integer, 63), 63);
  const value = v128.bitselect(sine(x, z), cosine(z), odd);
  // Of the quadrants 0 to 4, 1 and 2 are negative: those where q + 1 has the bit 2.
  const negative = i64x2.shl(i64x2.shr_u(i64x2.shl(i64x2.add(integer, i64x2.splat(1)), 62), 63), 63);
  return v128.xor(value, negative);
}
