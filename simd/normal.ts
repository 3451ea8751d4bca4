/** Normal numbers by Box and Muller, as `src/random.ts` has them. */

import { cosineOfTurns, log } from "./elementary";
import { demote } from "./pieces";

/** √(−2 ln(1 − u)) · cos 2πv */
function pair(u: v128, v: v128): v128 {
  const turn = f64x2.splat(1.0 / 4294967296.0);
  const share = f64x2.sub(f64x2.splat(1), f64x2.mul(f64x2.convert_low_i32x4_u(u), turn));
  const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), log(share)));
  return f64x2.mul(radius, cosineOfTurns(f64x2.mul(f64x2.convert_low_i32x4_u(v), turn)));
}

/** Normal numbers of the words of radii and of angles, 32 bits each, of which 2³² are 1. */
export function normals(count: usize, radii: usize, angles: usize, to: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) {
    const u = v128.load(radii + i);
    const v = v128.load(angles + i);
    const high = pair(v128.shuffle<i32>(u, u, 2, 3, 2, 3), v128.shuffle<i32>(v, v, 2, 3, 2, 3));
    v128.store(to + i, demote(pair(u, v), high));
  }
}
