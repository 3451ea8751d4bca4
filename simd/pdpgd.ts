/** Loops of `src/attacks/rules/pdpgd.ts`. What is stored as float32 there is rounded to it here. */

import { means, meanSquares, metrics, quotients } from "./adam";
import { among, clamped, demote, largestOf, promoteHigh, SUMS, totalOf } from "./pieces";

/** Grey levels in the whole range. */
const WHOLE: f64 = 255;

/** r such that c + 255·r, rounded to float32, lies in the range. */
function keptInRange(r: v128, c: v128, low: v128, high: v128): v128 {
  const whole = f64x2.splat(WHOLE);
  const first = f64x2.promote_low_f32x4(c);
  const second = promoteHigh(c);
  const moved = demote(
    f64x2.add(first, f64x2.mul(whole, f64x2.promote_low_f32x4(r))),
    f64x2.add(second, f64x2.mul(whole, promoteHigh(r))),
  );
  const v = clamped(moved, low, high);
  return demote(
    f64x2.div(f64x2.sub(f64x2.promote_low_f32x4(v), first), whole),
    f64x2.div(f64x2.sub(promoteHigh(v), second), whole),
  );
}

/**
 * Both means of Adam after 255 times a gradient, and r after the step, in place; the metric in the place of the gradient. Returns the
 * metric's largest value.
 */
export function pdpgdStep(
  count: usize,
  firsts: usize,
  squares: usize,
  gradient: usize,
  from: usize,
  clean: usize,
  beta1: f64,
  beta2: f64,
  correction1: f64,
  correction2: f64,
  rate: f64,
  low: f32,
  high: f32,
): f32 {
  const whole = f64x2.splat(WHOLE);
  const b1 = f64x2.splat(beta1);
  const r1 = f64x2.splat(1 - beta1);
  const b2 = f64x2.splat(beta2);
  const r2 = f64x2.splat(1 - beta2);
  const c1 = f64x2.splat(correction1);
  const c2 = f64x2.splat(correction2);
  const rates = f64x2.splat(rate);
  const lowest = f32x4.splat(low);
  const highest = f32x4.splat(high);
  let largest = f32x4.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    let g = v128.load(gradient + i);
    g = demote(f64x2.mul(whole, f64x2.promote_low_f32x4(g)), f64x2.mul(whole, promoteHigh(g)));
    const m = means(v128.load(firsts + i), g, b1, r1);
    const v = meanSquares(v128.load(squares + i), g, b2, r2);
    const h = metrics(v, c2);
    largest = f32x4.max(largest, h);
    const up = quotients(m, c1, h);
    const r = v128.load(from + i);
    const moved = demote(
      f64x2.add(f64x2.promote_low_f32x4(r), f64x2.mul(rates, f64x2.promote_low_f32x4(up))),
      f64x2.add(promoteHigh(r), f64x2.mul(rates, promoteHigh(up))),
    );
    v128.store(firsts + i, m);
    v128.store(squares + i, v);
    v128.store(gradient + i, h);
    v128.store(from + i, keptInRange(moved, v128.load(clean + i), lowest, highest));
  }
  return largestOf(largest);
}

/** r − (h/largest)·(r − stepped) */
function pulled(r: v128, to: v128, h: v128, largest: v128): v128 {
  return f64x2.sub(r, f64x2.mul(f64x2.div(h, largest), f64x2.sub(r, to)));
}

/** r less its pull towards where the step led, in place. Σ |r| and Σ r² of it are left as sums. */
export function pdpgdPull(count: usize, from: usize, stepped: usize, metric: usize, largest: f64): void {
  const tops = f64x2.splat(largest);
  let sizes = f64x2.splat(0);
  let squares = f64x2.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const r = v128.load(from + i);
    const goal = v128.load(stepped + i);
    const h = v128.load(metric + i);
    const next = demote(
      pulled(f64x2.promote_low_f32x4(r), f64x2.promote_low_f32x4(goal), f64x2.promote_low_f32x4(h), tops),
      pulled(promoteHigh(r), promoteHigh(goal), promoteHigh(h), tops),
    );
    v128.store(from + i, next);
    const first = f64x2.promote_low_f32x4(next);
    const second = promoteHigh(next);
    sizes = f64x2.add(sizes, f64x2.add(f64x2.abs(first), f64x2.abs(second)));
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(first, first), f64x2.mul(second, second)));
  }
  store<f64>(SUMS, totalOf(sizes));
  store<f64>(SUMS, totalOf(squares), 8);
}

/** How many sizes are above a level, and their sum, are left as sums. */
export function sizesAbove(count: usize, from: usize, level: f64): void {
  const levels = f64x2.splat(level);
  const one = f64x2.splat(1);
  let sizes = f64x2.splat(0);
  let counts = f64x2.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const x = f32x4.abs(v128.load(from + i));
    const first = f64x2.promote_low_f32x4(x);
    const second = promoteHigh(x);
    const firstAbove = f64x2.gt(first, levels);
    const secondAbove = f64x2.gt(second, levels);
    sizes = f64x2.add(sizes, f64x2.add(v128.and(first, firstAbove), v128.and(second, secondAbove)));
    counts = f64x2.add(counts, f64x2.add(v128.and(one, firstAbove), v128.and(one, secondAbove)));
  }
  store<f64>(SUMS, totalOf(counts));
  store<f64>(SUMS, totalOf(sizes), 8);
}

/**
 * Values scaled, clipped at ±level and kept in the range of pixels, in place: r. Σ (r − before)² and Σ r² are left as sums.
 */
export function pdpgdShrink(
  count: usize,
  from: usize,
  clean: usize,
  earlier: usize,
  scale: f64,
  level: f32,
  low: f32,
  high: f32,
): void {
  const scales = f64x2.splat(scale);
  const top = f32x4.splat(level);
  const bottom = f32x4.neg(top);
  const lowest = f32x4.splat(low);
  const highest = f32x4.splat(high);
  let moved = f64x2.splat(0);
  let size = f64x2.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    let x = v128.load(from + i);
    x = demote(f64x2.mul(scales, f64x2.promote_low_f32x4(x)), f64x2.mul(scales, promoteHigh(x)));
    x = f32x4.min(f32x4.max(x, bottom), top);
    const r = v128.and(keptInRange(x, v128.load(clean + i), lowest, highest), among(i, count));
    v128.store(from + i, r);
    const before = v128.load(earlier + i);
    const first = f64x2.promote_low_f32x4(r);
    const second = promoteHigh(r);
    const d = f64x2.sub(first, f64x2.promote_low_f32x4(before));
    const e = f64x2.sub(second, promoteHigh(before));
    moved = f64x2.add(moved, f64x2.add(f64x2.mul(d, d), f64x2.mul(e, e)));
    size = f64x2.add(size, f64x2.add(f64x2.mul(first, first), f64x2.mul(second, second)));
  }
  store<f64>(SUMS, totalOf(moved));
  store<f64>(SUMS, totalOf(size), 8);
}
