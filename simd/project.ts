/** Projection onto a ball of L∞ and the range of pixels: `projectLinf` in `src/attacks/constraint.ts` says what it is. */

import { demote, promoteHigh } from "./pieces";

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
    const raised = v128.bitselect(lowest, v, f32x4.lt(v, lowest));
    v128.store(to + i, v128.bitselect(highest, raised, f32x4.gt(v, highest)));
  }
}
