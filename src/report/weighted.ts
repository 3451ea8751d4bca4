/** Sums of columns over drawn images: the work of the bootstrap. */

/** Of two columns under two draws. Each number that is read is used twice, and the sums stay in registers. */
const tile = (x: Float64Array, y: Float64Array, u: Uint16Array, v: Uint16Array, sums: Float64Array): void => {
  let ux = 0;
  let uy = 0;
  let vx = 0;
  let vy = 0;
  for (let i = 0; i < x.length; i++) {
    const a = x[i]!;
    const b = y[i]!;
    const p = u[i]!;
    const q = v[i]!;
    ux += p * a;
    uy += p * b;
    vx += q * a;
    vy += q * b;
  }
  sums[0] = ux;
  sums[1] = uy;
  sums[2] = vx;
  sums[3] = vy;
};

/**
 * Σ weight · value over the images.
 *
 * @param columns [column, image].
 * @param weights how often each image is drawn, [draw, image].
 * @returns [draw, column], one after another. Sums of whole numbers are exact.
 */
export const weightedSums = (columns: readonly Float64Array[], weights: readonly Uint16Array[]): Float64Array => {
  const width = columns.length;
  const out = new Float64Array(weights.length * width);
  const sums = new Float64Array(4);
  for (let c = 0; c < width; c += 2) {
    // The last of an odd number is taken twice.
    const d = Math.min(c + 1, width - 1);
    for (let b = 0; b < weights.length; b += 2) {
      const e = Math.min(b + 1, weights.length - 1);
      tile(columns[c]!, columns[d]!, weights[b]!, weights[e]!, sums);
      out[b * width + c] = sums[0]!;
      out[b * width + d] = sums[1]!;
      out[e * width + c] = sums[2]!;
      out[e * width + d] = sums[3]!;
    }
  }
  return out;
};
