/**
 * Structural similarity: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE TIP 13(4), 2004.
 */
import { loops } from "../simd/loops.ts";
import { areas, float32s, float64s } from "../simd/memory.ts";
import { sameShape, type Tensor } from "../tensor.ts";

const windowSize = 11;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

/** Gaussian weights in one dimension, from the centre outwards; the sum of all 11 is 1. */
const weights = (() => {
  const raw = Float64Array.from({ length: 6 }, (_, i) => Math.exp(-(i ** 2) / (2 * sigma ** 2)));
  const total = 2 * raw.reduce((a, b) => a + b, 0) - raw[0]!;
  return raw.map((w) => w / total);
})();

/** Rows of windows that are in the loops' memory at a time. */
const bandRows = 64;

/**
 * The mean of ((2μxμy + C1)(2σxy + C2)) / ((μx² + μy² + C1)(σx² + σy² + C2)) over all windows that lie wholly inside two planes, in
 * float64 (simd/ssim.ts).
 */
const meanSsim = (x: Float32Array, y: Float32Array, height: number, width: number): number => {
  const [h, w] = [height - windowSize + 1, width - windowSize + 1];
  const most = Math.min(bandRows, h) + windowSize - 1;
  const { ssimBand, ssimWork } = loops();
  const [atX, atY, atWeights, work] = areas(4 * most * width, 4 * most * width, weights.byteLength, ssimWork(most));
  const staged = float32s();
  float64s().set(weights, atWeights / 8);
  let total = 0;
  for (let top = 0; top < h; top += bandRows) {
    const rows = Math.min(bandRows, h - top) + windowSize - 1;
    const [from, to] = [top * width, (top + rows) * width];
    staged.set(x.subarray(from, to), atX / 4);
    staged.set(y.subarray(from, to), atY / 4);
    total += ssimBand(atX, atY, width, rows, atWeights, c1, c2, work);
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
  let total = 0;
  for (let c = 0; c < channels; c++) {
    const plane = ({ data }: Tensor<"float32">): Float32Array => data.subarray(c * size, (c + 1) * size);
    total += meanSsim(plane(a), plane(b), height, width);
  }
  return total / channels;
};
