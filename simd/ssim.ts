/** SSIM of a band of rows of two images: `src/metrics/ssim.ts` has the definition. Two windows, next to each other in a row, at a time. */

import { totalOf } from "./pieces";

/** Windows of a strip: the averages along its rows stay in the processor's cache. Even. */
const STRIP: usize = 64;
/** Values of a row that a strip of windows reads. */
const LINE: usize = STRIP + 10;
/** Bytes between two rows of averages, and between two rows of values; float64. */
const ROW: usize = STRIP << 3;
const VALUES: usize = (LINE + 2) << 3;

/** The Gaussian weight of the neighbours at a distance, twice. */
function weight(weights: usize, distance: usize): v128 {
  return v128.load64_splat(weights + (distance << 3));
}

/** w·(a + b) */
function pair(w: v128, a: v128, b: v128): v128 {
  return f64x2.mul(w, f64x2.add(a, b));
}

/** Gaussian averages of 11 neighbours, of which the sixth is in the middle. */
function average(
  g0: v128,
  g1: v128,
  g2: v128,
  g3: v128,
  g4: v128,
  g5: v128,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  a4: v128,
  a5: v128,
  a6: v128,
  a7: v128,
  a8: v128,
  a9: v128,
  a10: v128,
): v128 {
  let sum = f64x2.add(f64x2.mul(g0, a5), pair(g1, a4, a6));
  sum = f64x2.add(sum, pair(g2, a3, a7));
  sum = f64x2.add(sum, pair(g3, a2, a8));
  sum = f64x2.add(sum, pair(g4, a1, a9));
  return f64x2.add(sum, pair(g5, a0, a10));
}

/** Gaussian averages along a row, for windows 0, 2, … below `count` and those next to them. */
function alongRow(weights: usize, from: usize, count: usize, to: usize): void {
  const g0 = weight(weights, 0);
  const g1 = weight(weights, 1);
  const g2 = weight(weights, 2);
  const g3 = weight(weights, 3);
  const g4 = weight(weights, 4);
  const g5 = weight(weights, 5);
  for (let x: usize = 0; x < count << 3; x += 16) {
    const at = from + x;
    v128.store(
      to + x,
      average(
        g0,
        g1,
        g2,
        g3,
        g4,
        g5,
        v128.load(at),
        v128.load(at, 8),
        v128.load(at, 16),
        v128.load(at, 24),
        v128.load(at, 32),
        v128.load(at, 40),
        v128.load(at, 48),
        v128.load(at, 56),
        v128.load(at, 64),
        v128.load(at, 72),
        v128.load(at, 80),
      ),
    );
  }
}

/** x, y, x² + y² and x·y of a part of a row, one below the other. */
function squares(x: usize, y: usize, count: usize, to: usize): void {
  for (let i: usize = 0; i < count; i += 2) {
    const a = f64x2.promote_low_f32x4(v128.load64_zero(x + (i << 2)));
    const b = f64x2.promote_low_f32x4(v128.load64_zero(y + (i << 2)));
    const at = to + (i << 3);
    v128.store(at, a);
    v128.store(at, b, VALUES);
    v128.store(at, f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)), 2 * VALUES);
    v128.store(at, f64x2.mul(a, b), 3 * VALUES);
  }
}

/** Averages of 11 rows for eight rows of windows, which read 18 rows in place of 88. */
function eightRows(weights: usize, from: usize, to: usize): void {
  const g0 = weight(weights, 0);
  const g1 = weight(weights, 1);
  const g2 = weight(weights, 2);
  const g3 = weight(weights, 3);
  const g4 = weight(weights, 4);
  const g5 = weight(weights, 5);
  const a0 = v128.load(from);
  const a1 = v128.load(from, ROW);
  const a2 = v128.load(from, 2 * ROW);
  const a3 = v128.load(from, 3 * ROW);
  const a4 = v128.load(from, 4 * ROW);
  const a5 = v128.load(from, 5 * ROW);
  const a6 = v128.load(from, 6 * ROW);
  const a7 = v128.load(from, 7 * ROW);
  const a8 = v128.load(from, 8 * ROW);
  const a9 = v128.load(from, 9 * ROW);
  const a10 = v128.load(from, 10 * ROW);
  const a11 = v128.load(from, 11 * ROW);
  const a12 = v128.load(from, 12 * ROW);
  const a13 = v128.load(from, 13 * ROW);
  const a14 = v128.load(from, 14 * ROW);
  const a15 = v128.load(from, 15 * ROW);
  const a16 = v128.load(from, 16 * ROW);
  const a17 = v128.load(from, 17 * ROW);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10));
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11), 16);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12), 32);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13), 48);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14), 64);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15), 80);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16), 96);
  v128.store(to, average(g0, g1, g2, g3, g4, g5, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17), 112);
}

/** ((2μxμy + C1)(2σxy + C2)) / ((μx² + μy² + C1)(σx² + σy² + C2)) of averages that lie 128 bytes apart. */
function similarity(at: usize, c1: v128, c2: v128): v128 {
  const ux = v128.load(at);
  const uy = v128.load(at, 128);
  const both = f64x2.mul(ux, uy);
  const means = f64x2.add(f64x2.mul(ux, ux), f64x2.mul(uy, uy));
  const covariance = f64x2.sub(v128.load(at, 384), both);
  const variances = f64x2.sub(v128.load(at, 256), means);
  return f64x2.div(
    f64x2.mul(f64x2.add(f64x2.add(both, both), c1), f64x2.add(f64x2.add(covariance, covariance), c2)),
    f64x2.mul(f64x2.add(means, c1), f64x2.add(variances, c2)),
  );
}

/** Bytes of `work` for a band. */
export function ssimWork(rows: usize): usize {
  return 4 * VALUES + 512 + 4 * (rows + 8) * ROW;
}

/**
 * The sum of SSIM over the windows of a band that lie wholly inside it.
 *
 * @param x rows of `width` float32 values, `rows` of them, as of y.
 * @param weights six float64: the Gaussian weights from the middle outwards.
 * @param work `ssimWork(rows)` bytes.
 */
export function ssimBand(
  x: usize,
  y: usize,
  width: usize,
  rows: usize,
  weights: usize,
  c1: f64,
  c2: f64,
  work: usize,
): f64 {
  const eight = work + 4 * VALUES;
  const averages = eight + 512;
  const plane = (rows + 8) * ROW;
  const first = f64x2.splat(c1);
  const second = f64x2.splat(c2);
  const windows = width - 10;
  let sums = f64x2.splat(0);
  for (let left: usize = 0; left < windows; left += STRIP) {
    const count = min(STRIP, windows - left);
    for (let row: usize = 0; row < rows; row++) {
      const at = (row * width + left) << 2;
      squares(x + at, y + at, count + 10, work);
      for (let q: usize = 0; q < 4; q++) alongRow(weights, work + q * VALUES, count, averages + q * plane + row * ROW);
    }
    for (let top: usize = 0; top + 10 < rows; top += 8) {
      const valid = min<usize>(8, rows - 10 - top) << 4;
      for (let column: usize = 0; column < count; column += 2) {
        const from = averages + top * ROW + (column << 3);
        for (let q: usize = 0; q < 4; q++) eightRows(weights, from + q * plane, eight + (q << 7));
        let sum = f64x2.splat(0);
        for (let at: usize = 0; at < valid; at += 16) sum = f64x2.add(sum, similarity(eight + at, first, second));
        // The last window of a row may have no neighbour.
        sums = f64x2.add(sums, column + 1 < count ? sum : f64x2.replace_lane(sum, 1, 0));
      }
    }
  }
  return totalOf(sums);
}
