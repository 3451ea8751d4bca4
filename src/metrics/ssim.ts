/**
 * Structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE TIP 13(4), 2004.
 */
import { sameShape, type Tensor } from "../tensor.ts";

const windowSize = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** Gaussian weights in one dimension, from the centre outwards; the sum of all 11 is 1. */
const [g0, g1, g2, g3, g4, g5] = (() => {
  const raw = Array.from({ length: 6 }, (_, i) => Math.exp(-(i ** 2) / (2 * sigma ** 2)));
  const total = 2 * raw.reduce((a, b) => a + b, 0) - raw[0]!;
  return raw.map((w) => w / total) as [number, number, number, number, number, number];
})();

/** Writes to `out[o]` the Gaussian average of 11 values of `a`, which start at `i` and have stride `s`. */
const average = (a: Float64Array, i: number, s: number, out: Float64Array, o: number): void => {
  out[o] =
    g0 * a[i + 5 * s]! +
    g1 * (a[i + 4 * s]! + a[i + 6 * s]!) +
    g2 * (a[i + 3 * s]! + a[i + 7 * s]!) +
    g3 * (a[i + 2 * s]! + a[i + 8 * s]!) +
    g4 * (a[i + s]! + a[i + 9 * s]!) +
    g5 * (a[i]! + a[i + 10 * s]!);
};

/** `average` starting at `i`, `i + s`, `i + 2s` and `i + 3s`, which reads 14 values instead of 44. */
const fourAverages = (a: Float64Array, i: number, s: number, out: Float64Array, o: number): void => {
  const a0 = a[i]!;
  const a1 = a[i + s]!;
  const a2 = a[i + 2 * s]!;
  const a3 = a[i + 3 * s]!;
  const a4 = a[i + 4 * s]!;
  const a5 = a[i + 5 * s]!;
  const a6 = a[i + 6 * s]!;
  const a7 = a[i + 7 * s]!;
  const a8 = a[i + 8 * s]!;
  const a9 = a[i + 9 * s]!;
  const a10 = a[i + 10 * s]!;
  const a11 = a[i + 11 * s]!;
  const a12 = a[i + 12 * s]!;
  const a13 = a[i + 13 * s]!;
  out[o] = g0 * a5 + g1 * (a4 + a6) + g2 * (a3 + a7) + g3 * (a2 + a8) + g4 * (a1 + a9) + g5 * (a0 + a10);
  out[o + s] = g0 * a6 + g1 * (a5 + a7) + g2 * (a4 + a8) + g3 * (a3 + a9) + g4 * (a2 + a10) + g5 * (a1 + a11);
  out[o + 2 * s] = g0 * a7 + g1 * (a6 + a8) + g2 * (a5 + a9) + g3 * (a4 + a10) + g4 * (a3 + a11) + g5 * (a2 + a12);
  out[o + 3 * s] = g0 * a8 + g1 * (a7 + a9) + g2 * (a6 + a10) + g3 * (a5 + a11) + g4 * (a4 + a12) + g5 * (a3 + a13);
};

/** The horizontal averages of one row. */
const alongRow = (row: Float64Array, w: number, out: Float64Array, o: number): void => {
  let x = 0;
  for (; x + 4 <= w; x += 4) fourAverages(row, x, 1, out, o + x);
  for (; x < w; x++) average(row, x, 1, out, o + x);
};

/** The vertical averages of the first `n` rows, of `w` values each. */
const downColumns = (rows: Float64Array, w: number, n: number, out: Float64Array): void => {
  let y = 0;
  for (; y + 4 <= n; y += 4) for (let i = y * w; i < (y + 1) * w; i++) fourAverages(rows, i, w, out, i);
  for (let i = y * w; i < n * w; i++) average(rows, i, w, out, i);
};

/** The number of rows of windows in a band, small enough for the processor's cache. */
const bandRows = 16;

/** Buffers for each of x, y, x² + y² and x·y: a row of the image, horizontally averaged rows, and a band of windows. */
const createBuffers = (width: number) => {
  const w = width - windowSize + 1;
  const four = (length: number) => Array.from({ length: 4 }, () => new Float64Array(length)) as Four;
  return { line: four(width), rows: four((bandRows + windowSize - 1) * w), band: four(bandRows * w) };
};
type Four = [x: Float64Array, y: Float64Array, squares: Float64Array, products: Float64Array];

/**
 * Σ ((2μxμy + C1)(2σxy + C2)) / ((μx² + μy² + C1)(σx² + σy² + C2)) over the first `n` windows of a band, plus `total`.
 */
const addedSsim = (total: number, [mx, my, squares, products]: Four, n: number): number => {
  for (let i = 0; i < n; i++) {
    const ux = mx[i]!;
    const uy = my[i]!;
    const covariance = products[i]! - ux * uy;
    const variances = squares[i]! - (ux * ux + uy * uy);
    total += ((2 * ux * uy + c1) * (2 * covariance + c2)) / ((ux * ux + uy * uy + c1) * (variances + c2));
  }
  return total;
};

/** The mean over all windows that lie wholly inside two planes. */
const meanSsim = (
  x: Float32Array,
  y: Float32Array,
  height: number,
  width: number,
  { line, rows, band }: ReturnType<typeof createBuffers>,
): number => {
  const [h, w] = [height - windowSize + 1, width - windowSize + 1];
  const fill = (from: number, to: number): void => {
    const [u, v, squares, products] = line;
    for (let i = 0; i < width; i++) {
      const a = (u[i] = x[from + i]!);
      const b = (v[i] = y[from + i]!);
      squares[i] = a * a + b * b;
      products[i] = a * b;
    }
    for (let q = 0; q < 4; q++) alongRow(line[q]!, w, rows[q]!, to);
  };
  let total = 0;
  for (let top = 0, held = 0; top < h; top += bandRows, held = windowSize - 1) {
    const n = Math.min(bandRows, h - top);
    for (let r = held; r < n + windowSize - 1; r++) fill((top + r) * width, r * w);
    for (let q = 0; q < 4; q++) {
      downColumns(rows[q]!, w, n, band[q]!);
      rows[q]!.copyWithin(0, n * w, (n + windowSize - 1) * w);
    }
    total = addedSsim(total, band, n * w);
  }
  return total / (h * w);
};

/**
 * SSIM of two images [C,H,W] on the 0..255 scale: 11×11 Gaussian window, σ = 1.5, K1 = 0.01, K2 = 0.03, over all windows
 * that lie wholly inside the image, as in the paper. It is computed for each channel and averaged over the channels (the
 * paper has grey images). `null` if a side is shorter than the window.
 *
 * @throws RangeError if the shapes differ.
 */
export const ssim = (a: Tensor<"float32">, b: Tensor<"float32">): number | null => {
  if (!sameShape(a.shape, b.shape))
    throw new RangeError(`ssim: [${a.shape.join(", ")}] and [${b.shape.join(", ")}] differ`);
  const [channels, height, width] = a.shape as [number, number, number];
  if (height < windowSize || width < windowSize) return null;
  const size = height * width;
  const buffers = createBuffers(width);
  let total = 0;
  for (let c = 0; c < channels; c++) {
    const plane = ({ data }: Tensor<"float32">): Float32Array => data.subarray(c * size, (c + 1) * size);
    total += meanSsim(plane(a), plane(b), height, width, buffers);
  }
  return total / channels;
};
