/** The variable of Carlini and Wagner's attack and its image: `src/attacks/rules/carlini-wagner.ts`. */

import { exp } from "./elementary";
import { demote, promoteHigh } from "./pieces";

/** tanh w, to some units of 10⁻¹⁶ in absolute terms. */
function tanh(w: v128): v128 {
  const one = f64x2.splat(1);
  const e = exp(f64x2.mul(f64x2.splat(-2), f64x2.abs(w)));
  const size = f64x2.div(f64x2.sub(one, e), f64x2.add(one, e));
  return v128.or(size, v128.and(w, f64x2.splat(-0.0)));
}

/** low + half·(tanh w + 1) */
function squashed(w: v128, low: v128, half: v128): v128 {
  return f64x2.add(low, f64x2.mul(half, f64x2.add(tanh(w), f64x2.splat(1))));
}

/** The image of w. */
export function squash(count: usize, from: usize, to: usize, low: f64, half: f64): void {
  const lows = f64x2.splat(low);
  const halves = f64x2.splat(half);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const w = v128.load(from + i);
    const first = squashed(f64x2.promote_low_f32x4(w), lows, halves);
    v128.store(to + i, demote(first, squashed(promoteHigh(w), lows, halves)));
  }
}

/** half·(1 − curved·tanh² w)·(weight·g − 2(x − c)/whole²) */
function ascent(w: v128, g: v128, x: v128, c: v128, weight: v128, half: v128, curved: v128, square: v128): v128 {
  const t = tanh(w);
  const slope = f64x2.mul(half, f64x2.sub(f64x2.splat(1), f64x2.mul(curved, f64x2.mul(t, t))));
  const d = f64x2.sub(x, c);
  return f64x2.mul(slope, f64x2.sub(f64x2.mul(weight, g), f64x2.div(f64x2.add(d, d), square)));
}

/** The way up at w and its image. `curved` is 1, or 0 where the image is a multiple of w. */
export function squashAscent(
  count: usize,
  from: usize,
  gradient: usize,
  image: usize,
  clean: usize,
  to: usize,
  weight: f64,
  half: f64,
  curved: f64,
  whole: f64,
): void {
  const weights = f64x2.splat(weight);
  const halves = f64x2.splat(half);
  const curves = f64x2.splat(curved);
  const square = f64x2.splat(whole * whole);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const w = v128.load(from + i);
    const g = v128.load(gradient + i);
    const x = v128.load(image + i);
    const c = v128.load(clean + i);
    const low = ascent(
      f64x2.promote_low_f32x4(w),
      f64x2.promote_low_f32x4(g),
      f64x2.promote_low_f32x4(x),
      f64x2.promote_low_f32x4(c),
      weights,
      halves,
      curves,
      square,
    );
    const high = ascent(
      promoteHigh(w),
      promoteHigh(g),
      promoteHigh(x),
      promoteHigh(c),
      weights,
      halves,
      curves,
      square,
    );
    v128.store(to + i, demote(low, high));
  }
}
