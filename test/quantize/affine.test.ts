import { assert, double, property, tuple, type Arbitrary } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  affineOf,
  dequantizeValue,
  quantizeValue,
  rangeOf,
  roundHalfToEven,
  type Range,
} from "../../src/quantize/affine.ts";

const ranges: Arbitrary<Range> = tuple(
  double({ min: -1e4, max: 1e4, noNaN: true }),
  double({ min: 1e-3, max: 1e4, noNaN: true }),
).map(([low, extent]) => ({ low, high: low + extent }));

describe("the affine map of an activation", () => {
  it.each([
    [
      { low: 0, high: 255 },
      { scale: 1, zeroPoint: 0 },
    ],
    [
      { low: -255, high: 0 },
      { scale: 1, zeroPoint: 255 },
    ],
    [
      { low: -1, high: 1.55 },
      { scale: Math.fround(0.01), zeroPoint: 100 },
    ],
    [
      { low: 51, high: 102 },
      { scale: Math.fround(0.4), zeroPoint: 0 },
    ],
    [
      { low: 0, high: 0 },
      { scale: 1, zeroPoint: 0 },
    ],
  ])("of %j is %j", (range, expected) => {
    expect(affineOf(range)).toEqual(expected);
  });

  it("has 0 as a level, exactly", () => {
    assert(
      property(ranges, (range) => {
        const affine = affineOf(range);
        expect(dequantizeValue(affine, quantizeValue(affine, 0))).toBe(0);
      }),
    );
  });

  it("moves values inside the range by half a step at most, and those outside to its ends", () => {
    assert(
      property(ranges, double({ min: -1, max: 2, noNaN: true }), (range, share) => {
        const affine = affineOf(range);
        const { low, high } = rangeOf(affine);
        const x = low + share * (high - low);
        const nearest = Math.min(high, Math.max(low, x));
        const slack = affine.scale * (0.5 + 1e-9);
        expect(Math.abs(dequantizeValue(affine, quantizeValue(affine, x)) - nearest)).toBeLessThanOrEqual(slack);
      }),
    );
  });

  it("spans the range that is asked for, but for the rounding of the zero point", () => {
    assert(
      property(ranges, (range) => {
        const affine = affineOf(range);
        const spanned = rangeOf(affine);
        expect(Math.abs(spanned.low - Math.min(range.low, 0))).toBeLessThanOrEqual(0.501 * affine.scale);
        expect(Math.abs(spanned.high - Math.max(range.high, 0))).toBeLessThanOrEqual(0.501 * affine.scale);
      }),
    );
  });

  it("maps each level to itself", () => {
    const affine = affineOf({ low: -3.7, high: 9.1 });
    for (let q = 0; q <= 255; q++) expect(quantizeValue(affine, dequantizeValue(affine, q))).toBe(q);
  });

  it("rounds halves to even", () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6].map((v) => roundHalfToEven(v) + 0)).toEqual([
      -2, -2, 0, 0, 2, 2, 2, -3,
    ]);
  });

  it.each([
    { low: 1, high: 0 },
    { low: -Infinity, high: 1 },
    { low: 0, high: Number.NaN },
  ])("refuses %j", (range) => {
    expect(() => affineOf(range)).toThrow(RangeError);
  });
});
