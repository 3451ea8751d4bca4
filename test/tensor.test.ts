import { describe, expect, it } from "vitest";
import { dimensionsOf, joined, spatialSize } from "../src/tensor.ts";

describe("dimensionsOf", () => {
  it("gives the dimensions of what has the rank that is asked for", () => {
    expect(dimensionsOf({ shape: [1, 3, 48, 64] }, 4)).toEqual([1, 3, 48, 64]);
  });

  it.each([[[]], [[3, 48]], [[1, 1, 3, 48]]])("refuses %j as [C, H, W] rather than read a zero", (shape) => {
    expect(() => dimensionsOf({ shape }, 3)).toThrow(RangeError);
    expect(() => dimensionsOf({ shape }, 3)).toThrow(`has rank ${shape.length}, not 3`);
  });
});

describe("spatialSize", () => {
  it.each([[[48, 64]], [[3, 48, 64]], [[1, 3, 48, 64]]])("reads height and width off %j", (shape) => {
    expect(spatialSize({ shape })).toEqual({ height: 48, width: 64 });
  });

  it.each([[[]], [[64]]])("refuses %j", (shape) => {
    expect(() => spatialSize({ shape })).toThrow(RangeError);
  });
});

it("joined puts arrays of any type one after another", () => {
  expect(joined([Uint8Array.of(1, 2), Uint8Array.of(3, 4)])).toEqual(Uint8Array.of(1, 2, 3, 4));
  expect(joined([BigInt64Array.of(1n), BigInt64Array.of(2n), BigInt64Array.of(3n)])).toEqual(
    BigInt64Array.of(1n, 2n, 3n),
  );
});
