/** Moments and step of Adam: `src/attacks/moments.ts` has the equations. Each is computed in float64 and rounded once. */

import { demote, promoteHigh } from "./pieces";

/** βm + (1 − β)g */
export function mean(m: v128, g: v128, beta: v128, rest: v128): v128 {
  return f64x2.add(f64x2.mul(beta, m), f64x2.mul(rest, g));
}

/** √(v·correction) + 10⁻⁸ */
export function metric(v: v128, correction: v128): v128 {
  return f64x2.add(f64x2.sqrt(f64x2.mul(v, correction)), f64x2.splat(1e-8));
}

/** m·correction/h */
function quotient(m: v128, correction: v128, h: v128): v128 {
  return f64x2.div(f64x2.mul(m, correction), h);
}

/** Both means after a gradient, in place, and the step. The corrections are 1/(1 − βⁿ). */
export function adam(
  count: usize,
  means: usize,
  squares: usize,
  gradient: usize,
  step: usize,
  beta1: f64,
  beta2: f64,
  correction1: f64,
  correction2: f64,
): void {
  const b1 = f64x2.splat(beta1);
  const r1 = f64x2.splat(1 - beta1);
  const b2 = f64x2.splat(beta2);
  const r2 = f64x2.splat(1 - beta2);
  const c1 = f64x2.splat(correction1);
  const c2 = f64x2.splat(correction2);
  for (let i: usize = 0; i < count << 2; i += 16) {
    const g = v128.load(gradient + i);
    const low = f64x2.promote_low_f32x4(g);
    const high = promoteHigh(g);
    let m = v128.load(means + i);
    m = demote(mean(f64x2.promote_low_f32x4(m), low, b1, r1), mean(promoteHigh(m), high, b1, r1));
    let v = v128.load(squares + i);
    v = demote(
      mean(f64x2.promote_low_f32x4(v), f64x2.mul(low, low), b2, r2),
      mean(promoteHigh(v), f64x2.mul(high, high), b2, r2),
    );
    const h = demote(metric(f64x2.promote_low_f32x4(v), c2), metric(promoteHigh(v), c2));
    v128.store(means + i, m);
    v128.store(squares + i, v);
    v128.store(
      step + i,
      demote(
        quotient(f64x2.promote_low_f32x4(m), c1, f64x2.promote_low_f32x4(h)),
        quotient(promoteHigh(m), c1, promoteHigh(h)),
      ),
    );
  }
}
