/** Elementary functions of vectors of float64, in place: what `test/simd/elementary.test.ts` compares with their definitions. */

import { cosineOfTurns, exp, log } from "./elementary";

export function exponentials(at: usize, count: usize): void {
  for (let i: usize = 0; i < count << 3; i += 16) v128.store(at + i, exp(v128.load(at + i)));
}

export function logarithms(at: usize, count: usize): void {
  for (let i: usize = 0; i < count << 3; i += 16) v128.store(at + i, log(v128.load(at + i)));
}

export function cosinesOfTurns(at: usize, count: usize): void {
  for (let i: usize = 0; i < count << 3; i += 16) v128.store(at + i, cosineOfTurns(v128.load(at + i)));
}
