/** Loops over the multipliers of pixels: of PDPGD (`src/attacks/rules/pdpgd.ts`) and of ALMA prox (`src/attacks/augmented-lagrangian.ts`). */

import { exp } from "./elementary";
import { among, demote, promoteHigh, SUMS, totalOf } from "./pieces";

/** λ + rate·sign c, within ±farthest, in place; −Infinity where c is 0, and NaN where it is NaN. */
export function ascend(count: usize, at: usize, excess: usize, rate: f64, farthest: f32): void {
  const rates = f64x2.splat(rate);
  const top = f32x4.splat(farthest);
  const bottom = f32x4.neg(top);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const nothing = f32x4.splat(-Infinity);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const dual = v128.load(at + i);
    const c = v128.load(excess + i);
    const sign = v128.or(one, v128.and(c, i32x4.splat(i32.MIN_VALUE)));
    const moved = demote(
      f64x2.add(f64x2.promote_low_f32x4(dual), f64x2.mul(rates, f64x2.promote_low_f32x4(sign))),
      f64x2.add(promoteHigh(dual), f64x2.mul(rates, promoteHigh(sign))),
    );
    const within = f32x4.min(f32x4.max(moved, bottom), top);
    const known = v128.bitselect(c, within, f32x4.ne(c, c));
    v128.store(at + i, v128.bitselect(nothing, known, f32x4.eq(c, zero)));
  }
}

/** exp(λ − top), in place; their sum, as rounded to float32, is left as a sum. */
export function exponentialsBelow(count: usize, at: usize, top: f64): void {
  const tops = f64x2.splat(top);
  let sum = f64x2.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const x = v128.load(at + i);
    const low = exp(f64x2.sub(f64x2.promote_low_f32x4(x), tops));
    const e = v128.and(demote(low, exp(f64x2.sub(promoteHigh(x), tops))), among(i, count));
    v128.store(at + i, e);
    sum = f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(e), promoteHigh(e)));
  }
  store<f64>(SUMS, totalOf(sum));
}

/** memory·w + rest·(e/sum), in the place of w. */
export function followShares(count: usize, w: usize, e: usize, memory: f64, rest: f64, sum: f64): void {
  const memories = f64x2.splat(memory);
  const rests = f64x2.splat(rest);
  const sums = f64x2.splat(sum);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(w + i);
    const b = v128.load(e + i);
    const share = demote(f64x2.div(f64x2.promote_low_f32x4(b), sums), f64x2.div(promoteHigh(b), sums));
    const low = f64x2.add(
      f64x2.mul(memories, f64x2.promote_low_f32x4(a)),
      f64x2.mul(rests, f64x2.promote_low_f32x4(share)),
    );
    v128.store(
      w + i,
      demote(low, f64x2.add(f64x2.mul(memories, promoteHigh(a)), f64x2.mul(rests, promoteHigh(share)))),
    );
  }
}

/** ∂P/∂c of the penalty P(c; μ, ρ) for c ≥ 0 and below. */
function slope(c: v128, mu: v128, rho: v128): v128 {
  const two = f64x2.splat(2);
  const one = f64x2.splat(1);
  const linear = f64x2.mul(f64x2.mul(f64x2.mul(two, mu), rho), c);
  const square = f64x2.div(f64x2.mul(f64x2.mul(f64x2.mul(rho, rho), c), c), two);
  const right = f64x2.add(f64x2.add(mu, linear), square);
  const base = f64x2.sub(one, f64x2.mul(f64x2.max(rho, one), c));
  const left = f64x2.div(mu, f64x2.mul(base, base));
  return v128.bitselect(right, left, f64x2.ge(c, f64x2.splat(0)));
}

/** smoothing·μ + (1 − smoothing)·kept·slope, within low..high */
function followed(c: v128, mu: v128, rho: v128, kept: v128, smoothing: v128, rest: v128, low: v128, high: v128): v128 {
  const target = f64x2.mul(kept, slope(c, mu, rho));
  const next = f64x2.add(f64x2.mul(smoothing, mu), f64x2.mul(rest, target));
  return f64x2.min(f64x2.max(next, low), high);
}

/** The multipliers μ after the constraints c, in place. */
export function followSlopes(
  count: usize,
  mu: usize,
  c: usize,
  rho: usize,
  kept: usize,
  smoothing: f64,
  low: f64,
  high: f64,
): void {
  const memory = f64x2.splat(smoothing);
  const rest = f64x2.splat(1 - smoothing);
  const lows = f64x2.splat(low);
  const highs = f64x2.splat(high);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const m = v128.load(mu + i);
    const x = v128.load(c + i);
    const p = v128.load(rho + i);
    const k = v128.load(kept + i);
    const first = followed(
      f64x2.promote_low_f32x4(x),
      f64x2.promote_low_f32x4(m),
      f64x2.promote_low_f32x4(p),
      f64x2.promote_low_f32x4(k),
      memory,
      rest,
      lows,
      highs,
    );
    const second = followed(promoteHigh(x), promoteHigh(m), promoteHigh(p), promoteHigh(k), memory, rest, lows, highs);
    v128.store(mu + i, demote(first, second));
  }
}
