/**
 * Structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE TIP 13(4), 2004.
 */
import { sameShape, type Tensor } from "../tensor.ts";

const windowSize = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** Gaussian weights of one dimension, summing to 1, from the centre outwards. */
const [g0, g1, g2, g3, g4, g5] = (() => {
  const raw = Array.from({ length: 6 }, (_, i) => Math.exp(-(i ** 2) / (2 * sigma ** 2)));
  const total = 2 * raw.reduce((a, b) => a + b, 0) - raw[0]!;
  return raw.map((w) => w / total) as [number, number, number, number, number, number];
})();

/** The Gaussian average of the 11 values from `i` on that lie `s` apart. */
const average = (a: Float64Array, i: number, s: number): number =>
  g0 * a[i + 5 * s]! +
  g1 * (a[i + 4 * s]! + a[i + 6 * s]!) +
  g2 * (a[i + 3 * s]! + a[i + 7 * s]!) +
  g3 * (a[i + 2 * s]! + a[i + 8 * s]!) +
  g4 * (a[i + s]! + a[i + 9 * s]!) +
  g5 * (a[i]! + a[i + 10 * s]!);

type Image = Tensor<"float32">;

/** Averages over each window wholly inside planes of one size, with buffers that all planes share. */
const createBlur = (height: number, width: number) => {
  const [h, w] = [height - windowSize + 1, width - windowSize + 1];
  const rows = new Float64Array(height * w);
  return (plane: Float64Array, out: Float64Array = new Float64Array(h * w)): Float64Array => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < w; x++) rows[y * w + x] = average(plane, y * width + x, 1);
    }
    for (let i = 0; i < out.length; i++) out[i] = average(rows, i, w);
    return out;
  };
};

/**
 * Mean over all windows of ((2μxμy + C1)(2σxy + C2)) / ((μx² + μy² + C1)(σx² + σy² + C2)) on one plane; `squares` is the
 * average of x² + y².
 */
const meanSsim = (mx: Float64Array, my: Float64Array, squares: Float64Array, xy: Float64Array): number => {
  let total = 0;
  for (let i = 0; i < mx.length; i++) {
    const ux = mx[i]!;
    const uy = my[i]!;
    const covariance = xy[i]! - ux * uy;
    const variances = squares[i]! - (ux * ux + uy * uy);
    total += ((2 * ux * uy + c1) * (2 * covariance + c2)) / ((ux * ux + uy * uy + c1) * (variances + c2));
  }
  return total / mx.length;
};

/** `ssim` of one image with others: what depends on it alone is computed once. */
export const ssimFrom = (a: Image): ((b: Image) => number | null) => {
  const [channels, height, width] = a.shape as [number, number, number];
  const size = height * width;
  const means: Float64Array[] = [];
  return (b) => {
    if (!sameShape(a.shape, b.shape))
      throw new RangeError(`ssim: [${a.shape.join(", ")}] and [${b.shape.join(", ")}] differ`);
    if (height < windowSize || width < windowSize) return null;
    const blur = createBlur(height, width);
    const [x, y] = [new Float64Array(size), new Float64Array(size)];
    const windows = (height - windowSize + 1) * (width - windowSize + 1);
    const [my, squares, xy] = [new Float64Array(windows), new Float64Array(windows), new Float64Array(windows)];
    let total = 0;
    for (let c = 0; c < channels; c++) {
      x.set(a.data.subarray(c * size, (c + 1) * size));
      y.set(b.data.subarray(c * size, (c + 1) * size));
      const mx = (means[c] ??= blur(x));
      blur(y, my);
      for (let i = 0; i < size; i++) {
        const u = x[i]!;
        const v = y[i]!;
        x[i] = u * v;
        y[i] = u * u + v * v;
      }
      total += meanSsim(mx, my, blur(y, squares), blur(x, xy));
    }
    return total / channels;
  };
};

/**
 * SSIM of two images [C,H,W] on the 0..255 scale: 11×11 Gaussian window, σ = 1.5, K1 = 0.01, K2 = 0.03, windows wholly
 * inside the image, as in the paper; computed for each channel and averaged over channels (the paper has grey images).
 * `null` where a side is shorter than the window.
 *
 * @throws RangeError where shapes differ
 */
export const ssim = (a: Image, b: Image): number | null => ssimFrom(a)(b);
