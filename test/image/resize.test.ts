import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resizeBilinear } from "../../src/image/resize.ts";
import { tensorOf } from "../../src/tensor.ts";

const side = fc.integer({ min: 1, max: 9 });
const sizes = fc.tuple(side, side, side, side);

const values = (length: number): number[] => Array.from({ length }, (_, i) => (i * 89 + 13) % 256);

describe("resizeBilinear", () => {
  test("is the sum of all pixels under a triangle kernel, edges replicated", () => {
    fc.assert(
      fc.property(sizes, ([height, width, outHeight, outWidth]) => {
        const image = tensorOf("float32", [2, height, width], values(2 * height * width));
        const out = resizeBilinear(image, [outHeight, outWidth]);
        expect(out.shape).toEqual([2, outHeight, outWidth]);
        for (let i = 0; i < out.data.length; i++) {
          const [c, y, x] = [
            Math.floor(i / (outHeight * outWidth)),
            Math.floor(i / outWidth) % outHeight,
            i % outWidth,
          ];
          const [sy, sx] = [((y + 0.5) * height) / outHeight - 0.5, ((x + 0.5) * width) / outWidth - 0.5];
          let total = 0;
          for (let v = -1; v <= height; v++) {
            for (let u = -1; u <= width; u++) {
              const weight = Math.max(0, 1 - Math.abs(sy - v)) * Math.max(0, 1 - Math.abs(sx - u));
              const [vy, ux] = [Math.min(height - 1, Math.max(0, v)), Math.min(width - 1, Math.max(0, u))];
              total += weight * image.data[(c * height + vy) * width + ux]!;
            }
          }
          expect(out.data[i]).toBeCloseTo(total, 3);
        }
      }),
    );
  });

  test("agrees with PyTorch: interpolate([[1, 2], [3, 4]], size=(4, 4), mode=bilinear, align_corners=False)", () => {
    const out = resizeBilinear(tensorOf("float32", [1, 2, 2], [1, 2, 3, 4]), [4, 4]);
    const rows = [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4];
    expect(Array.from(out.data)).toEqual(rows);
  });

  test("to its own size is the identity, and refuses other shapes and sizes", () => {
    const image = tensorOf("float32", [3, 4, 5], values(60));
    expect(resizeBilinear(image, [4, 5])).toEqual(image);
    expect(() => resizeBilinear(image, [0, 5])).toThrow(RangeError);
    expect(() => resizeBilinear(tensorOf("float32", [4], values(4)), [1, 1])).toThrow(/\[C, H, W\]/);
  });
});
