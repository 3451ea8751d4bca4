/** The affine map between reals and unsigned bytes: real = scale·(q − zeroPoint) (Jacob et al. 2018, eq. 1). */

/** An interval of reals, `low` ≤ `high`. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** The parameters of the map; q is in 0..255, and `scale` is a float32. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The largest value of a quantised activation. */
export const LARGEST_LEVEL = 255;

/**
 * The map whose 256 levels span the range. The range is first extended to contain 0, which is then one of the levels, so
 * that zero padding is exact.
 *
 * @throws RangeError if an end is not finite, or `low` exceeds `high`.
 */
export const affineOf = (range: Range): Affine => {
  const low = Math.min(range.low, 0);
  const high = Math.max(range.high, 0);
  if (!Number.isFinite(low) || !Number.isFinite(high) || range.low > range.high) {
    throw new RangeError(`affineOf: ${range.low} to ${range.high} is not a range`);
  }
  const scale = Math.fround((high - low) / LARGEST_LEVEL);
  // The range is too small for a float32 scale, so every value becomes 0.
  if (scale === 0) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(LARGEST_LEVEL, Math.round(Math.abs(low) / scale)) };
};

/** Rounds to the nearest integer, and halves to the even one, as QuantizeLinear does. */
export const roundHalfToEven = (v: number): number => {
  const down = Math.floor(v);
  if (v - down !== 0.5) return Math.round(v);
  return down % 2 === 0 ? down : down + 1;
};

export const quantizeValue = ({ scale, zeroPoint }: Affine, x: number): number =>
  Math.min(LARGEST_LEVEL, Math.max(0, roundHalfToEven(x / scale) + zeroPoint));

export const dequantizeValue = ({ scale, zeroPoint }: Affine, q: number): number => (q - zeroPoint) * scale;

/** The interval from the lowest level to the highest; values outside it saturate. */
export const rangeOf = (affine: Affine): Range => ({
  low: dequantizeValue(affine, 0),
  high: dequantizeValue(affine, LARGEST_LEVEL),
});
