/** Where an attack has to stay: the ball around the clean image, met with the range of pixels. */

/** Lowest and highest grey level, or null for none: the released code of the paper clips to the ε-ball only. */
export type PixelRange = readonly [low: number, high: number] | null;

/** Radius of the L∞ ball in grey levels, and the range of pixels. */
export interface Constraint {
  readonly epsilon: number;
  readonly pixelRange: PixelRange;
}

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

/** The float32 next to the float32 `from`, on the side of `to`. */
const neighbour = (from: number, to: number): number => {
  if (from === 0) return Math.sign(to) * 2 ** -149;
  single[0] = from;
  bits[0]! += from > 0 === to > from ? 1 : -1;
  return single[0];
};

/**
 * The nearest point to `x` in the ball around `centre` and in the pixel range, element by element. The ball holds exactly
 * for the float32 values: where centre ± ε rounds to a value outside, its neighbour inside is taken. Where the ball and the
 * range do not meet, the range decides.
 *
 * @param out where to put it, which may be `x` itself.
 */
export const project = (
  x: Float32Array,
  centre: Float32Array,
  { epsilon, pixelRange }: Constraint,
  out: Float32Array<ArrayBuffer> = new Float32Array(x.length),
): Float32Array<ArrayBuffer> => {
  const [low, high] = pixelRange ?? [-Infinity, Infinity];
  for (let i = 0; i < out.length; i++) {
    const c = centre[i]!;
    let v = x[i]!; // comparisons rather than Math.min: faster, and NaN stays NaN
    if (v < c - epsilon) v = c - epsilon;
    else if (v > c + epsilon) v = c + epsilon;
    v = Math.fround(v);
    if (v - c > epsilon || c - v > epsilon) v = neighbour(v, c);
    out[i] = v < low ? low : v > high ? high : v;
  }
  return out;
};

/** @throws RangeError where a number is not positive and finite. */
export const requirePositive = (values: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(values)) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be positive, is ${value}`);
  }
};
