/** Moments and step of Adam: `src/attacks/moments.ts` has the equations. Each is computed in float64 and rounded once. */

import { demote, promoteHigh } from "./pieces";

/** βm + (1 − β)g */
function mean(m: v128, g: v128, beta: v128, rest: v128): v128 {
  return f64x2.add(f64x2.mul(beta, m), f64x2.mul(rest, g));
}

/** √(v·correction) + 10⁻⁸ */
function metric(v: v128, correction: v128): v128 {
  return f64x2.add(f64x2.sqrt(f64x2.mul(v, correction)), f64x2.splat(1e-8));
}

/** m·correction/h */
function quotient(m: v128, correction: v128, h: v128): v128 {
  return f64x2.div(f64x2.mul(m, correction), h);
}

/** The running means m of four gradients after g. */
export function means(m: v128, g: v128, beta: v128, rest: v128): v128 {
  return demote(
    mean(f64x2.promote_low_f32x4(m), f64x2.promote_low_f32x4(g), beta, rest),
    mean(promoteHigh(m), promoteHigh(g), beta, rest),
  );
}

/** The running means v of four squared gradients after g. */
export function meanSquares(v: v128, g: v128, beta: v128, rest: v128): v128 {
  const low = f64x2.promote_low_f32x4(g);
  const high = promoteHigh(g);
  return demote(
    mean(f64x2.promote_low_f32x4(v), f64x2.mul(low, low), beta, rest),
    mean(promoteHigh(v), f64x2.mul(high, high), beta, rest),
  );
}

/** Adam's metric h at four mean squares. The correction is 1/(1 − βⁿ), as that of a mean. */
export function metrics(v: v128, correction: v128): v128 {
  return demote(metric(f64x2.promote_low_f32x4(v), correction), metric(promoteHigh(v), correction));
}

/** Adam's steps of four means in a metric. */
export function quotients(m: v128, correction: v128, h: v128): v128 {
  return demote(
    quotient(f64x2.promote_low_f32x4(m), correction, f64x2.promote_low_f32x4(h)),
    quotient(promoteHigh(m), correction, promoteHigh(h)),
  );
}

/** Both means after a gradient, and the step in the place of the gradient. The corrections are 1/(1 − βⁿ). */
export function adam(
  count: usize,
  firsts: usize,
  squares: usize,
  gradient: usize,
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
    const m = means(v128.load(firsts + i), g, b1, r1);
    const v = meanSquares(v128.load(squares + i), g, b2, r2);
    v128.store(firsts + i, m);
    v128.store(squares + i, v);
    v128.store(gradient + i, quotients(m, c1, metrics(v, c2)));
  }
}
