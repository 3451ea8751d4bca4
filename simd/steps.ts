/** Sums of vectors, computed in float64 and rounded once, and steps along a sign. */

import { demote, promoteHigh } from "./pieces";

/** x + scale·d */
export function plus(count: usize, x: usize, scale: f64, d: usize, to: usize): void {
  const scales = f64x2.splat(scale);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(d + i);
    const low = f64x2.add(f64x2.promote_low_f32x4(a), f64x2.mul(scales, f64x2.promote_low_f32x4(b)));
    v128.store(to + i, demote(low, f64x2.add(promoteHigh(a), f64x2.mul(scales, promoteHigh(b)))));
  }
}

/** scale·x */
export function scale(count: usize, x: usize, factor: f64, to: usize): void {
  const factors = f64x2.splat(factor);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(x + i);
    const low = f64x2.mul(factors, f64x2.promote_low_f32x4(a));
    v128.store(to + i, demote(low, f64x2.mul(factors, promoteHigh(a))));
  }
}

/** g + scale·(x − c), in the place of g. */
export function plusDifference(count: usize, g: usize, scale: f64, x: usize, c: usize): void {
  const scales = f64x2.splat(scale);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(g + i);
    const b = v128.load(x + i);
    const m = v128.load(c + i);
    const first = f64x2.sub(f64x2.promote_low_f32x4(b), f64x2.promote_low_f32x4(m));
    const second = f64x2.sub(promoteHigh(b), promoteHigh(m));
    const low = f64x2.add(f64x2.promote_low_f32x4(a), f64x2.mul(scales, first));
    v128.store(g + i, demote(low, f64x2.add(promoteHigh(a), f64x2.mul(scales, second))));
  }
}

/** x + size·sign g, where the sign of 0 is 0 and that of NaN is NaN. */
export function plusSign(count: usize, x: usize, size: f64, g: usize, to: usize): void {
  const sizes = f64x2.splat(size);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const signBit = i32x4.splat(i32.MIN_VALUE);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(g + i);
    const isSigned = v128.or(f32x4.gt(b, zero), f32x4.lt(b, zero));
    const sign = v128.bitselect(v128.or(one, v128.and(b, signBit)), b, isSigned);
    const low = f64x2.add(f64x2.promote_low_f32x4(a), f64x2.mul(sizes, f64x2.promote_low_f32x4(sign)));
    v128.store(to + i, demote(low, f64x2.add(promoteHigh(a), f64x2.mul(sizes, promoteHigh(sign)))));
  }
}

/** x + step·(z − x) + momentum·(x − p), in the place of x: the second point of APGD. */
export function blend(count: usize, x: usize, step: f64, z: usize, momentum: f64, p: usize): void {
  const steps = f64x2.splat(step);
  const momenta = f64x2.splat(momentum);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(z + i);
    const c = v128.load(p + i);
    const first = f64x2.promote_low_f32x4(a);
    const second = promoteHigh(a);
    const low = f64x2.add(
      f64x2.add(first, f64x2.mul(steps, f64x2.sub(f64x2.promote_low_f32x4(b), first))),
      f64x2.mul(momenta, f64x2.sub(first, f64x2.promote_low_f32x4(c))),
    );
    const high = f64x2.add(
      f64x2.add(second, f64x2.mul(steps, f64x2.sub(promoteHigh(b), second))),
      f64x2.mul(momenta, f64x2.sub(second, promoteHigh(c))),
    );
    v128.store(x + i, demote(low, high));
  }
}
