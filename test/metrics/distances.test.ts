import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changedShare, distances } from "../../src/metrics/distances.ts";
import { ssim } from "../../src/metrics/ssim.ts";
import { tensorOf, type Tensor } from "../../src/tensor.ts";

const image = (shape: readonly number[], values: readonly number[]): Tensor<"float32"> =>
  tensorOf("float32", shape, values);

const noise = (shape: readonly [number, number, number], seed: number, spread: number): Tensor<"float32"> => {
  let state = seed;
  const values = Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 128 + 60 * Math.sin(i / 5) + spread * (state / 2 ** 32 - 0.5);
  });
  return image(shape, values);
};

describe("distances", () => {
  test("a difference worked by hand", () => {
    // Pixel 0 changes by 3 and −4, pixel 1 by 12 in one channel, pixel 2 not at all.
    const result = distances(
      image([3, 1, 3], [10, 20, 30, 10, 20, 30, 10, 20, 30]),
      image([3, 1, 3], [13, 20, 30, 6, 32, 30, 10, 20, 30]),
    );
    expect(result).toMatchObject({ l0Pixels: 2, l0Values: 3, l2: 13, linf: 12, ssim: null });
    expect(result.meanAbs).toBeCloseTo(19 / 9, 12);
    expect(result.psnr).toBeCloseTo(10 * Math.log10(65025 / (169 / 9)), 10);
  });

  test("equal images are at no distance", () => {
    const a = noise([3, 12, 13], 5, 100);
    expect(distances(a, a)).toEqual({ l0Pixels: 0, l0Values: 0, l2: 0, linf: 0, meanAbs: 0, psnr: Infinity, ssim: 1 });
  });

  test("are symmetric, and the norms are ordered: L∞ ≤ L2 ≤ L∞·√L0", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (s, t) => {
        const [a, b] = [noise([3, 4, 5], s, 200), noise([3, 4, 5], t, 200)];
        const d = distances(a, b);
        expect(distances(b, a)).toEqual(d);
        expect(d.linf).toBeLessThanOrEqual(d.l2 + 1e-9);
        expect(d.l2).toBeLessThanOrEqual(d.linf * Math.sqrt(d.l0Values) + 1e-9);
      }),
    );
  });

  test("refuses images of different shapes", () => {
    expect(() => distances(noise([3, 2, 2], 1, 1), noise([3, 1, 4], 1, 1))).toThrow(RangeError);
  });
});

/** The definition, window by window: weighted means, variances and covariance about the means. */
const directSsim = (a: Tensor<"float32">, b: Tensor<"float32">): number => {
  const [channels, height, width] = a.shape as [number, number, number];
  const weights: number[] = [];
  for (let v = -5; v <= 5; v++) for (let u = -5; u <= 5; u++) weights.push(Math.exp(-(u * u + v * v) / 4.5));
  const total = weights.reduce((x, y) => x + y, 0);
  const all: number[] = [];
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y + 11 <= height; y++) {
      for (let x = 0; x + 11 <= width; x++) {
        const at = (t: Tensor<"float32">, k: number): number =>
          t.data[(c * height + y + Math.floor(k / 11)) * width + x + (k % 11)]!;
        const mean = (f: (k: number) => number): number => weights.reduce((sum, w, k) => sum + (w / total) * f(k), 0);
        const [ma, mb] = [mean((k) => at(a, k)), mean((k) => at(b, k))];
        const va = mean((k) => (at(a, k) - ma) ** 2);
        const vb = mean((k) => (at(b, k) - mb) ** 2);
        const covariance = mean((k) => (at(a, k) - ma) * (at(b, k) - mb));
        const [c1, c2] = [2.55 ** 2, 7.65 ** 2];
        all.push(((2 * ma * mb + c1) * (2 * covariance + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2)));
      }
    }
  }
  return all.reduce((x, y) => x + y, 0) / all.length;
};

const flat = (v: number): Tensor<"float32"> =>
  image(
    [1, 11, 11],
    Array.from({ length: 121 }, () => v),
  );

describe("ssim", () => {
  test.each([1, 20, 200])("agrees with the definition, noise of ±%i / 2", (spread) => {
    const [a, b] = [noise([3, 14, 17], 7, 0), noise([3, 14, 17], 9, spread)];
    expect(ssim(a, b)).toBeCloseTo(directSsim(a, b), 9);
  });

  test.each([
    [11, 11],
    [18, 12],
    [19, 11],
    [26, 13],
    [27, 24],
    [45, 16],
    [74, 11],
    [75, 75],
    [11, 140],
  ])("agrees with the definition at %i×%i, whichever windows are averaged together", (height, width) => {
    const [a, b] = [noise([2, height, width], 7, 50), noise([2, height, width], 9, 80)];
    expect(ssim(a, b)).toBeCloseTo(directSsim(a, b), 9);
  });

  test("is the same after images that are no numbers", () => {
    const [a, b] = [noise([1, 22, 23], 7, 50), noise([1, 22, 23], 9, 80)];
    const before = ssim(a, b);
    expect(ssim(flat(NaN), flat(NaN))).toBeNaN();
    expect(ssim(noise([1, 80, 90], 1, NaN), noise([1, 80, 90], 2, NaN))).toBeNaN();
    expect(ssim(a, b)).toBe(before);
  });

  test("of two flat images is the luminance term alone", () => {
    expect(ssim(flat(100), flat(50))).toBeCloseTo((2 * 100 * 50 + 6.5025) / (100 ** 2 + 50 ** 2 + 6.5025), 10);
  });

  test("has no value below its window, and refuses images of different shapes", () => {
    expect(ssim(noise([3, 10, 20], 1, 1), noise([3, 10, 20], 2, 1))).toBeNull();
    expect(() => ssim(noise([3, 12, 11], 1, 1), noise([3, 11, 12], 1, 1))).toThrow(RangeError);
  });
});

const map = (values: readonly number[]): Tensor<"uint8"> => tensorOf("uint8", [values.length, 1], values);

describe("changedShare", () => {
  test("leaves void out, in either map or in the reference", () => {
    expect(changedShare(map([0, 1, 2, 3]), map([0, 1, 9, 9]))).toBe(0.5);
    expect(changedShare(map([0, 255, 2]), map([1, 1, 255]))).toBe(1);
    expect(changedShare(map([0, 1, 2, 3]), map([0, 9, 9, 9]), map([0, 0, 255, 0]))).toBeCloseTo(2 / 3, 12);
    expect(changedShare(map([255]), map([0]))).toBeNull();
  });

  test("refuses maps of different shapes", () => {
    expect(() => changedShare(map([0]), map([0, 1]))).toThrow(RangeError);
    expect(() => changedShare(map([0]), map([0]), map([0, 1]))).toThrow(RangeError);
  });
});
