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

/** Gaussian averages of 11 neighbours in a row: `w` of them, each of which reads one value more than the one before. */
const alongRow = (row: Float64Array, w: number, out: Float64Array, o: number): void => {
  let [a0, a1, a2, a3, a4] = [row[0]!, row[1]!, row[2]!, row[3]!, row[4]!];
  let [a5, a6, a7, a8, a9] = [row[5]!, row[6]!, row[7]!, row[8]!, row[9]!];
  for (let x = 0; x < w; x++) {
    const a10 = row[x + 10]!;
    out[o + x] = g0 * a5 + g1 * (a4 + a6) + g2 * (a3 + a7) + g3 * (a2 + a8) + g4 * (a1 + a9) + g5 * (a0 + a10);
    a0 = a1;
    a1 = a2;
    a2 = a3;
    a3 = a4;
    a4 = a5;
    a5 = a6;
    a6 = a7;
    a7 = a8;
    a8 = a9;
    a9 = a10;
  }
};

/** The averages of 11 neighbours in each of `w` columns for eight rows of windows from row `y` on, which read 18 values in place of 88. */
const eightRows = (rows: Float64Array, w: number, y: number, out: Float64Array): void => {
  for (let i = y * w; i < (y + 1) * w; i++) {
    const a0 = rows[i]!;
    const a1 = rows[i + w]!;
    const a2 = rows[i + 2 * w]!;
    const a3 = rows[i + 3 * w]!;
    const a4 = rows[i + 4 * w]!;
    const a5 = rows[i + 5 * w]!;
    const a6 = rows[i + 6 * w]!;
    const a7 = rows[i + 7 * w]!;
    const a8 = rows[i + 8 * w]!;
    const a9 = rows[i + 9 * w]!;
    const a10 = rows[i + 10 * w]!;
    const a11 = rows[i + 11 * w]!;
    const a12 = rows[i + 12 * w]!;
    const a13 = rows[i + 13 * w]!;
    const a14 = rows[i + 14 * w]!;
    const a15 = rows[i + 15 * w]!;
    const a16 = rows[i + 16 * w]!;
    const a17 = rows[i + 17 * w]!;
    out[i] = g0 * a5 + g1 * (a4 + a6) + g2 * (a3 + a7) + g3 * (a2 + a8) + g4 * (a1 + a9) + g5 * (a0 + a10);
    out[i + w] = g0 * a6 + g1 * (a5 + a7) + g2 * (a4 + a8) + g3 * (a3 + a9) + g4 * (a2 + a10) + g5 * (a1 + a11);
    out[i + 2 * w] = g0 * a7 + g1 * (a6 + a8) + g2 * (a5 + a9) + g3 * (a4 + a10) + g4 * (a3 + a11) + g5 * (a2 + a12);
    out[i + 3 * w] = g0 * a8 + g1 * (a7 + a9) + g2 * (a6 + a10) + g3 * (a5 + a11) + g4 * (a4 + a12) + g5 * (a3 + a13);
    out[i + 4 * w] = g0 * a9 + g1 * (a8 + a10) + g2 * (a7 + a11) + g3 * (a6 + a12) + g4 * (a5 + a13) + g5 * (a4 + a14);
    out[i + 5 * w] = g0 * a10 + g1 * (a9 + a11) + g2 * (a8 + a12) + g3 * (a7 + a13) + g4 * (a6 + a14) + g5 * (a5 + a15);
    out[i + 6 * w] =
      g0 * a11 + g1 * (a10 + a12) + g2 * (a9 + a13) + g3 * (a8 + a14) + g4 * (a7 + a15) + g5 * (a6 + a16);
    out[i + 7 * w] =
      g0 * a12 + g1 * (a11 + a13) + g2 * (a10 + a14) + g3 * (a9 + a15) + g4 * (a8 + a16) + g5 * (a7 + a17);
  }
};

/** The number of rows of windows in a band: a multiple of eight, small enough for the processor's cache. */
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
      for (let y = 0; y < n; y += 8) eightRows(rows[q]!, w, y, band[q]!);
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
