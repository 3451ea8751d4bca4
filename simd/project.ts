/** Projection onto a ball of L∞ and the range of pixels: `projectLinf` in `src/attacks/constraint.ts` says what it is. */

import { clamped, demote, promoteHigh, SUMS } from "./pieces";

/** x clipped to c ± ε in float64. */
function clipped(x: v128, c: v128, epsilon: v128): v128 {
  const low = f64x2.sub(c, epsilon);
  const high = f64x2.add(c, epsilon);
  const raised = v128.bitselect(low, x, f64x2.lt(x, low));
  return v128.bitselect(high, raised, f64x2.gt(raised, high));
}

/** Where |x − c| > ε. */
function isOutside(x: v128, c: v128, epsilon: v128): v128 {
  return f64x2.gt(f64x2.abs(f64x2.sub(x, c)), epsilon);
}

/** The float32 next to v on the side of c. Next to 0 is the smallest float32 with the sign of c. */
function neighbours(v: v128, c: v128): v128 {
  const zero = f32x4.splat(0);
  const away = v128.xor(f32x4.gt(v, zero), f32x4.gt(c, v));
  const next = i32x4.add(v, v128.bitselect(i32x4.splat(-1), i32x4.splat(1), away));
  const smallest = v128.or(v128.and(c, i32x4.splat(i32.MIN_VALUE)), i32x4.splat(1));
  return v128.bitselect(smallest, next, f32x4.eq(v, zero));
}

/** The projection of x. */
export function project(count: usize, from: usize, centre: usize, to: usize, epsilon: f64, low: f32, high: f32): void {
  const radius = f64x2.splat(epsilon);
  const lowest = f32x4.splat(low);
  const highest = f32x4.splat(high);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const x = v128.load(from + i);
    const c = v128.load(centre + i);
    const first = f64x2.promote_low_f32x4(c);
    const second = promoteHigh(c);
    let v = demote(clipped(f64x2.promote_low_f32x4(x), first, radius), clipped(promoteHigh(x), second, radius));
    const outside = v128.shuffle<i32>(
      isOutside(f64x2.promote_low_f32x4(v), first, radius),
      isOutside(promoteHigh(v), second, radius),
      0,
      2,
      4,
      6,
    );
    if (v128.any_true(outside)) v = v128.bitselect(neighbours(v, c), v, outside);
    v128.store(to + i, clamped(v, lowest, highest));
  }
}

/** Adds a pair to the sums of a projection onto a ball of L2: room² where t·|x − c| exceeds the room, else (x − c)². */
function addShares(x: v128, c: v128, t: v128, low: v128, high: v128, at: usize): void {
  const zero = f64x2.splat(0);
  const d = f64x2.sub(x, c);
  const room = f64x2.max(v128.bitselect(f64x2.sub(high, c), f64x2.sub(c, low), f64x2.gt(d, zero)), zero);
  const clips = f64x2.gt(f64x2.mul(t, f64x2.abs(d)), room);
  v128.store(at, f64x2.add(v128.load(at), v128.and(f64x2.mul(room, room), clips)));
  v128.store(at, f64x2.add(v128.load(at, 16), v128.andnot(f64x2.mul(d, d), clips)), 16);
}

/** Of c + t·(x − c) clipped to the range: Σ (clipped x − c)² over the values that are clipped, and Σ (x − c)² over the others, as sums. */
export function sharesWithin(count: usize, x: usize, c: usize, t: f64, low: f64, high: f64): void {
  const share = f64x2.splat(t);
  const lows = f64x2.splat(low);
  const highs = f64x2.splat(high);
  v128.store(SUMS, f64x2.splat(0));
  v128.store(SUMS, f64x2.splat(0), 16);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(c + i);
    addShares(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b), share, lows, highs, SUMS);
    addShares(promoteHigh(a), promoteHigh(b), share, lows, highs, SUMS);
  }
  store<f64>(SUMS, load<f64>(SUMS) + load<f64>(SUMS, 8));
  store<f64>(SUMS, load<f64>(SUMS, 16) + load<f64>(SUMS, 24), 8);
}

/** c + t·(x − c), clipped to the range, in the place of x. */
export function towards(count: usize, x: usize, c: usize, t: f64, low: f32, high: f32): void {
  const share = f64x2.splat(t);
  const lowest = f32x4.splat(low);
  const highest = f32x4.splat(high);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(c + i);
    const first = f64x2.promote_low_f32x4(b);
    const second = promoteHigh(b);
    const v = demote(
      f64x2.add(first, f64x2.mul(share, f64x2.sub(f64x2.promote_low_f32x4(a), first))),
      f64x2.add(second, f64x2.mul(share, f64x2.sub(promoteHigh(a), second))),
    );
    v128.store(x + i, clamped(v, lowest, highest));
  }
}
