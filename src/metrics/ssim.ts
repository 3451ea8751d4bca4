/**
 * Structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE TIP 13(4), 2004.
 */
import { sameShape, type Tensor } from "../tensor.ts";

const windowSize = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** Gaussian weights of one dimension, summing to 1. */
const gaussian = (() => {
  const raw = Array.from({ length: windowSize }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * sigma ** 2)));
  const total = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / total);
})();

/** Gaussian average over each window wholly inside the plane: along rows, then along columns. */
const blur = (plane: Float64Array, height: number, width: number): Float64Array => {
  const [h, w] = [height - windowSize + 1, width - windowSize + 1];
  const rows = new Float64Array(height * w);
  const out = new Float64Array(h * w);
  gaussian.forEach((weight, k) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < w; x++) rows[y * w + x]! += weight * plane[y * width + x + k]!;
    }
  });
  gaussian.forEach((weight, k) => {
    for (let i = 0; i < out.length; i++) out[i]! += weight * rows[k * w + i]!;
  });
  return out;
};

const product = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i]! * b[i]!;
  return out;
};

/** Mean over all windows of ((2μxμy + C1)(2σxy + C2)) / ((μx² + μy² + C1)(σx² + σy² + C2)) on one plane. */
const ssimOfPlane = (x: Float64Array, y: Float64Array, height: number, width: number): number => {
  const average = (plane: Float64Array): Float64Array => blur(plane, height, width);
  const [mx, my] = [average(x), average(y)];
  const [xx, yy, xy] = [average(product(x, x)), average(product(y, y)), average(product(x, y))];
  let total = 0;
  for (let i = 0; i < mx.length; i++) {
    const ux = mx[i]!;
    const uy = my[i]!;
    const covariance = xy[i]! - ux * uy;
    const variances = xx[i]! - ux * ux + (yy[i]! - uy * uy);
    total += ((2 * ux * uy + c1) * (2 * covariance + c2)) / ((ux * ux + uy * uy + c1) * (variances + c2));
  }
  return total / mx.length;
};

/**
 * SSIM of two images [C,H,W] on the 0..255 scale: 11×11 Gaussian window, σ = 1.5, K1 = 0.01, K2 = 0.03, windows wholly
 * inside the image, as in the paper; computed for each channel and averaged over channels (the paper has grey images).
 * `null` where a side is shorter than the window.
 *
 * @throws RangeError where shapes differ
 */
export const ssim = (a: Tensor<"float32">, b: Tensor<"float32">): number | null => {
  if (!sameShape(a.shape, b.shape))
    throw new RangeError(`ssim: [${a.shape.join(", ")}] and [${b.shape.join(", ")}] differ`);
  const [channels, height, width] = a.shape as [number, number, number];
  if (height < windowSize || width < windowSize) return null;
  const size = height * width;
  let total = 0;
  for (let c = 0; c < channels; c++) {
    const [from, to] = [c * size, (c + 1) * size];
    total += ssimOfPlane(
      new Float64Array(a.data.subarray(from, to)),
      new Float64Array(b.data.subarray(from, to)),
      height,
      width,
    );
  }
  return total / channels;
};
