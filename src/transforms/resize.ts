/** Resizing to a random scale, and back. */

import { tensorOf, type Tensor } from "../tensor.ts";
import { readByMatrices } from "./lines.ts";
import { drawn, type Interval, type Transform, type TransformEntry } from "./transform.ts";

/** The two samples of a row of `from` pixels, and their weights, that bilinear interpolation takes for each of `to` pixels. */
export const samplesOf = (from: number, to: number) =>
  Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.min(Math.floor(at), from - 1);
    return { low, high: Math.min(low + 1, from - 1), weight: at - low };
  });

/**
 * The matrix [n,n] that reduces n pixels to round(scale·n) and enlarges them again, each time bilinearly with half-pixel centres
 * (PyTorch's align_corners = false), without antialiasing.
 */
export const downAndUp = (n: number, scale: number): Float64Array => {
  const m = Math.max(1, Math.round(scale * n));
  const [down, up] = [samplesOf(n, m), samplesOf(m, n)];
  const matrix = new Float64Array(n * n);
  for (const [i, { low, high, weight }] of up.entries())
    for (const [row, share] of [[low, 1 - weight] as const, [high, weight] as const]) {
      const at = down[row]!;
      matrix[i * n + at.low]! += share * (1 - at.weight);
      matrix[i * n + at.high]! += share * at.weight;
    }
  return matrix;
};

export const transposed = (matrix: Float64Array, n: number): Float64Array =>
  matrix.map((_, i) => matrix[(i % n) * n + Math.floor(i / n)]!);

export const square = (n: number, matrix: Float64Array): Tensor<"float32"> =>
  tensorOf("float32", [n, n], Float32Array.from(matrix));

/**
 * The sizes of a graph are fixed when it is compiled, so the resized image is enlarged to its own size again: both steps
 * are linear in rows and in columns, Y = A·X·Bᵀ, and A and Bᵀ are inputs. Any scale of the interval is thus one graph, and
 * pixels and labels stay where they are. An enlarged image is reduced again in the same way.
 */
const make = (scale: Interval): Transform => ({
  shapes: ({ height, width }) => ({ rows: [height, height], columns: [width, width] }),
  draw: (next, { height, width }) => {
    const s = drawn(next, scale);
    return {
      rows: square(height, downAndUp(height, s)),
      columns: square(width, transposed(downAndUp(width, s), width)),
    };
  },
  build: (op, image, { rows, columns }) => op.MatMul(rows, op.MatMul(image, columns)),
  reads: (needed, { rows, columns }, size) => readByMatrices(needed, rows!.data, columns!.data, size),
});

export const resize: TransformEntry = {
  title: "Resizing",
  summary: "Bilinear resizing by a scale and back to the image's size.",
  random: false,
  options: { scale: { description: "Scale in between", minimum: 0.1, maximum: 2, default: [0.5, 1] } },
  paper: {
    title: "Mitigating Adversarial Effects Through Randomization",
    authors: "Xie, Wang, Zhang, Ren, Yuille",
    year: 2018,
    arxiv: "1711.01991",
  },
  make: ({ scale }) => make(scale!),
};
