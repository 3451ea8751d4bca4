/** The affine map between reals and unsigned bytes: real = scale·(q − zeroPoint) (Jacob et al. 2018, eq. 1). */

/** An interval of real numbers; `low` ≤ 0 ≤ `high`. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** q in 0..255; `scale` is a float32. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Largest value of a quantised activation, whose values are 0..255. */
export const LEVELS = 255;

/**
 * The map whose 256 levels span the range, extended to contain 0. Zero is a level, so that zero padding is exact.
 *
 * @throws RangeError where the range is not finite or upside down.
 */
export const affineOf = (range: Range): Affine => {
  const low = Math.min(range.low, 0);
  const high = Math.max(range.high, 0);
  if (!Number.isFinite(low) || !Number.isFinite(high) || range.low > range.high) {
    throw new RangeError(`affineOf: ${range.low} to ${range.high} is no range`);
  }
  const scale = Math.fround((high - low) / LEVELS);
  // The range is too small for a float32 scale: everything is 0.
  if (scale === 0) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(LEVELS, Math.round(Math.abs(low) / scale)) };
};

/** Rounds to the nearest integer, halves to the even one, as QuantizeLinear does. */
export const roundHalfToEven = (v: number): number => {
  const down = Math.floor(v);
  if (v - down !== 0.5) return Math.round(v);
  return down % 2 === 0 ? down : down + 1;
};

export const quantizeValue = ({ scale, zeroPoint }: Affine, x: number): number =>
  Math.min(LEVELS, Math.max(0, roundHalfToEven(x / scale) + zeroPoint));

export const dequantizeValue = ({ scale, zeroPoint }: Affine, q: number): number => (q - zeroPoint) * scale;

/** The range of the reals that do not saturate. */
export const rangeOf = (affine: Affine): Range => ({
  low: dequantizeValue(affine, 0),
  high: dequantizeValue(affine, LEVELS),
});
