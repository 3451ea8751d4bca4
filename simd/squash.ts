/** The variable of Carlini and Wagner's attack and its image: `src/attacks/rules/carlini-wagner.ts`. */

import { exponentOf, hornerAt, log, powerOf, remainderOf } from "./elementary";
import { demote, promoteHigh } from "./pieces";

/** The coefficients of P, the last one first. */
const TANH = memory.data<f64>([
  4.13813679705723846039e-8, -1.6533902205465251539e-6, 6.61375632143793436117e-5, -2.77777777770155933842e-3,
  1.66666666666666019037e-1,
]);

/**
 * tanh w, to some units of 10⁻¹⁶ in absolute terms: (1 − e)/(1 + e) with e = exp(−2|w|) = 2ᵏ(1 + 2r/q), where q = 2 − r + r²·P(r²) is
 * fdlibm's, so that one division is enough.
 */
function tanh(w: v128): v128 {
  const x = f64x2.pmax(f64x2.mul(f64x2.splat(-2), f64x2.abs(w)), f64x2.splat(-700));
  const k = exponentOf(x);
  const r = remainderOf(x, k);
  const square = f64x2.mul(r, r);
  let sum = v128.load64_splat(TANH);
  sum = hornerAt(sum, square, TANH, 1);
  sum = hornerAt(sum, square, TANH, 2);
  sum = hornerAt(sum, square, TANH, 3);
  sum = hornerAt(sum, square, TANH, 4);
  const q = f64x2.sub(f64x2.splat(2), f64x2.sub(r, f64x2.mul(square, sum)));
  const e = f64x2.mul(powerOf(k), f64x2.add(q, f64x2.add(r, r)));
  const size = f64x2.div(f64x2.sub(q, e), f64x2.add(q, e));
  return v128.or(size, v128.and(w, f64x2.splat(-0.0)));
}

/** artanh v = ½ ln((1 + v)/(1 − v)), to some units of 10⁻¹⁶ in absolute terms. */
function artanh(v: v128): v128 {
  const one = f64x2.splat(1);
  return f64x2.mul(f64x2.splat(0.5), log(f64x2.div(f64x2.add(one, v), f64x2.sub(one, v))));
}

/** artanh(inside·((x − low)/half − 1)) */
function unsquashed(x: v128, low: v128, half: v128, inside: v128): v128 {
  return artanh(f64x2.mul(inside, f64x2.sub(f64x2.div(f64x2.sub(x, low), half), f64x2.splat(1))));
}

/** The w of an image, in place; `inside`, below 1, keeps that of the ends of the range finite. */
export function unsquash(count: usize, at: usize, low: f64, half: f64, inside: f64): void {
  const lows = f64x2.splat(low);
  const halves = f64x2.splat(half);
  const insides = f64x2.splat(inside);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const x = v128.load(at + i);
    const first = unsquashed(f64x2.promote_low_f32x4(x), lows, halves, insides);
    v128.store(at + i, demote(first, unsquashed(promoteHigh(x), lows, halves, insides)));
  }
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
