/** Loops of ALMA prox: `src/attacks/rules/alma-prox.ts`, and of its proximal operator in `src/attacks/proximal.ts`. */

import { among, demote, largestOf, promoteHigh, SUMS, totalOf } from "./pieces";

/** Grey levels in the whole range. */
const WHOLE: f64 = 255;

/** memory·v + (1 − memory)·(255·g)² */
function meanSquare(v: v128, g: v128, memory: v128, rest: v128): v128 {
  const whole = f64x2.mul(f64x2.splat(WHOLE), g);
  return f64x2.add(f64x2.mul(memory, v), f64x2.mul(rest, f64x2.mul(whole, whole)));
}

/** max(√(v·correction), least) */
function metric(v: v128, correction: v128, least: v128): v128 {
  return f64x2.max(f64x2.sqrt(f64x2.mul(v, correction)), least);
}

/** δ + rate·g/h */
function stepped(delta: v128, rate: v128, g: v128, h: v128): v128 {
  return f64x2.add(delta, f64x2.div(f64x2.mul(rate, g), h));
}

/**
 * δ after a step up the gradient in the metric of RMSProp. In place: the mean square of the gradient, and the metric for the gradient.
 *
 * @param rate the learning rate times 255.
 */
export function rmsStep(
  count: usize,
  delta: usize,
  squares: usize,
  gradient: usize,
  memory: f64,
  correction: f64,
  least: f64,
  rate: f64,
): void {
  const memories = f64x2.splat(memory);
  const rest = f64x2.splat(1 - memory);
  const corrections = f64x2.splat(correction);
  const leasts = f64x2.splat(least);
  const rates = f64x2.splat(rate);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const g = v128.load(gradient + i);
    const firstG = f64x2.promote_low_f32x4(g);
    const secondG = promoteHigh(g);
    let v = v128.load(squares + i);
    v = demote(
      meanSquare(f64x2.promote_low_f32x4(v), firstG, memories, rest),
      meanSquare(promoteHigh(v), secondG, memories, rest),
    );
    const h = demote(
      metric(f64x2.promote_low_f32x4(v), corrections, leasts),
      metric(promoteHigh(v), corrections, leasts),
    );
    const d = v128.load(delta + i);
    const low = stepped(f64x2.promote_low_f32x4(d), rates, firstG, f64x2.promote_low_f32x4(h));
    v128.store(squares + i, v);
    v128.store(gradient + i, h);
    v128.store(delta + i, demote(low, stepped(promoteHigh(d), rates, secondG, promoteHigh(h))));
  }
}

/** Of values in a box, the largest size. In place of the values those in the box; Σ h·|x| over those that are not 0 there is left as a sum. */
export function clipToBox(count: usize, x: usize, low: usize, high: usize, h: usize): f32 {
  let largest = f32x4.splat(0);
  let pulls = f64x2.splat(0);
  const zero = f32x4.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const free = v128.load(x + i);
    const inside = f32x4.min(f32x4.max(free, v128.load(low + i)), v128.load(high + i));
    const size = v128.and(f32x4.abs(inside), among(i, count));
    largest = f32x4.max(largest, size);
    const counted = v128.and(f32x4.abs(free), f32x4.gt(size, zero));
    const m = v128.load(h + i);
    pulls = f64x2.add(pulls, f64x2.mul(f64x2.promote_low_f32x4(m), f64x2.promote_low_f32x4(counted)));
    pulls = f64x2.add(pulls, f64x2.mul(promoteHigh(m), promoteHigh(counted)));
    v128.store(x + i, inside);
  }
  store<f64>(SUMS, totalOf(pulls));
  return largestOf(largest);
}

/** Σ h and Σ h·|x| over those whose size in the box is above a level are left as sums. */
export function metricAbove(count: usize, inside: usize, x: usize, h: usize, level: f64): void {
  const levels = f64x2.splat(level);
  let metrics = f64x2.splat(0);
  let pulls = f64x2.splat(0);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const size = f32x4.abs(v128.load(inside + i));
    const free = f32x4.abs(v128.load(x + i));
    const m = v128.load(h + i);
    const first = v128.and(f64x2.promote_low_f32x4(m), f64x2.gt(f64x2.promote_low_f32x4(size), levels));
    const second = v128.and(promoteHigh(m), f64x2.gt(promoteHigh(size), levels));
    metrics = f64x2.add(metrics, f64x2.add(first, second));
    pulls = f64x2.add(pulls, f64x2.mul(first, f64x2.promote_low_f32x4(free)));
    pulls = f64x2.add(pulls, f64x2.mul(second, promoteHigh(free)));
  }
  store<f64>(SUMS, totalOf(metrics));
  store<f64>(SUMS, totalOf(pulls), 8);
}

/** Values clipped at ±level, in place. */
export function clip(count: usize, x: usize, level: f32): void {
  const top = f32x4.splat(level);
  const bottom = f32x4.neg(top);
  for (let i: usize = 0; i < count << 2; i += 16)
    v128.store(x + i, f32x4.min(f32x4.max(v128.load(x + i), bottom), top));
}
