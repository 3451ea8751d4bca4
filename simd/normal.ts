/** Normal numbers by Box and Muller, as `src/random.ts` has them. */

import { cosineOfTurns, log } from "./elementary";
import { demote } from "./pieces";

/** √(−2 ln(1 − u)) · cos 2πv of the words u, v, u, v, of which 2³² are 1. */
function pair(words: v128): v128 {
  const turn = f64x2.splat(1.0 / 4294967296.0);
  const u = f64x2.mul(f64x2.convert_low_i32x4_u(v128.shuffle<i32>(words, words, 0, 2, 0, 2)), turn);
  const v = f64x2.mul(f64x2.convert_low_i32x4_u(v128.shuffle<i32>(words, words, 1, 3, 1, 3)), turn);
  const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), log(f64x2.sub(f64x2.splat(1), u))));
  return f64x2.mul(radius, cosineOfTurns(v));
}

/** As many normal numbers as pairs of words, in the place of the first of these. */
export function normals(count: usize, at: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) {
    const low = pair(v128.load(at + 2 * i));
    v128.store(at + i, demote(low, pair(v128.load(at + 2 * i, 16))));
  }
}
