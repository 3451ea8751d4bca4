/** Definitions of newer operators by loops, in float64. */

import type { PlainAttributes } from "../../src/onnx/graph.ts";
import { sizeOf, stridesOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { noise } from "./support.ts";

export type Reader = (...index: readonly number[]) => number;

/** The element of a tensor at an index, 0 beyond its borders. */
export const reader = (t: Tensor): Reader => {
  const strides = stridesOf(t.shape);
  return (...index) =>
    index.every((v, i) => v >= 0 && v < t.shape[i]!)
      ? Number(t.data[index.reduce((at, v, i) => at + v * strides[i]!, 0)])
      : 0;
};

export const define = (shape: readonly number[], f: (...index: readonly number[]) => number): number[] => {
  const strides = stridesOf(shape);
  return Array.from({ length: sizeOf(shape) }, (_, i) => f(...shape.map((d, a) => Math.floor(i / strides[a]!) % d)));
};

export const total = (count: number, f: (i: number) => number): number =>
  Array.from({ length: count }, (_, i) => f(i)).reduce((a, b) => a + b, 0);

export interface NewCase {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly (Tensor | null)[];
  /** Inputs that must be known when the graph is built, or that no gradient is taken by. */
  readonly fixed?: readonly number[];
  readonly attributes: PlainAttributes;
  readonly isForward?: true;
  readonly y: readonly [
    shape: readonly number[],
    f: (inputs: readonly Reader[]) => (...index: readonly number[]) => number,
  ];
}

/** RoiAlign's mean by loops over bins, samples and corners: the coordinates are clamped to the image, beyond −1..size the value is 0. */
export const alignedMean =
  ([height, width]: readonly [number, number], bins: readonly [number, number], samples: number, offset: number) =>
  ([x, rois, images]: readonly Reader[]) =>
  (r = 0, c = 0, i = 0, j = 0): number => {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => rois!(r, k) * 0.5 - offset) as [number, number, number, number];
    const extent = (from: number, to: number) => (offset === 0 ? Math.max(to - from, 1) : to - from);
    const steps = [extent(y1, y2) / bins[0], extent(x1, x2) / bins[1]] as const;
    const counts = steps.map((step) => (samples > 0 ? samples : Math.ceil(step))) as [number, number];
    const sum = total(counts[0], (a) =>
      total(counts[1], (b) => {
        const py = y1 + steps[0] * (i + (a + 0.5) / counts[0]);
        const px = x1 + steps[1] * (j + (b + 0.5) / counts[1]);
        if (py < -1 || py > height || px < -1 || px > width) return 0;
        const inside = (p: number, size: number) => Math.min(Math.max(p, 0), size - 1);
        return bilinear(x!, images!(r), c, inside(py, height), inside(px, width));
      }),
    );
    return sum / Math.max(counts[0] * counts[1], 1);
  };

export const regions = tensorOf("float32", [3, 4], [1.3, 2.1, 9.6, 8.2, -5.2, 0.4, 4.1, 15.3, 6.6, 6.1, 6.9, 6.7]);

/** MaxRoiPool by its definition, with regions (image, x1, y1, x2, y2) in whole pixels. */
export const pooledRegion =
  ([height, width]: readonly [number, number], bins: readonly [number, number]) =>
  ([x, rois]: readonly Reader[]) =>
  (r = 0, c = 0, i = 0, j = 0): number => {
    const [image, x1, y1, x2, y2] = [0, 1, 2, 3, 4].map((k) => rois!(r, k)) as [number, number, number, number, number];
    const isIn = (p: number, from: number, to: number, bin: number, count: number) => {
      const size = Math.max(to - from + 1, 1) / count;
      return p - from >= Math.floor(bin * size) && p - from < Math.ceil((bin + 1) * size);
    };
    let most = -Infinity;
    for (let y = 0; y < height; y++)
      for (let z = 0; z < width; z++)
        if (isIn(y, y1, y2, i, bins[0]) && isIn(z, x1, x2, j, bins[1])) most = Math.max(most, x!(image, c, y, z));
    return most === -Infinity ? 0 : most;
  };

export const bilinear = (x: Reader, n: number, c: number, py: number, px: number): number => {
  const [y0, x0] = [Math.floor(py), Math.floor(px)];
  const [fy, fx] = [py - y0, px - x0];
  return (
    (1 - fy) * ((1 - fx) * x(n, c, y0, x0) + fx * x(n, c, y0, x0 + 1)) +
    fy * ((1 - fx) * x(n, c, y0 + 1, x0) + fx * x(n, c, y0 + 1, x0 + 1))
  );
};

/** [B, H, S, D]: weights of query i on key j from the scores of its row. */
export const attention =
  (scale: number, keys: number, depth: number, group: number, bias: (i: number, j: number) => number, cap = 0) =>
  ([q, k, v]: readonly Reader[]) =>
  (b = 0, h = 0, i = 0, d = 0): number => {
    const raw = (j: number) => scale * total(depth, (e) => q!(b, h, i, e) * k!(b, Math.floor(h / group), j, e));
    const score = (j: number) => (cap ? cap * Math.tanh(raw(j) / cap) : raw(j)) + bias(i, j);
    const weights = Array.from({ length: keys }, (_, j) => Math.exp(score(j)));
    const sum = weights.reduce((a, w) => a + w, 0);
    return total(keys, (j) => (weights[j]! / sum) * v!(b, Math.floor(h / group), j, d));
  };

export const mask = noise([4, 5], 9);
export const deformed = (groups: number, useMask: boolean): NewCase["y"] => [
  [1, 2, 4, 5],
  ([x, w, offset, bias, weights]) =>
    (n = 0, m = 0, y = 0, xx = 0) =>
      bias!(m) +
      total(4, (c) =>
        total(9, (tap) => {
          const g = Math.floor(c / (4 / groups));
          const at = (axis: number) => offset!(n, (g * 9 + tap) * 2 + axis, y, xx);
          const py = y - 1 + Math.floor(tap / 3) + at(0);
          const px = xx - 1 + (tap % 3) + at(1);
          const scale = useMask ? weights!(n, g * 9 + tap, y, xx) : 1;
          return w!(m, c, Math.floor(tap / 3), tap % 3) * scale * bilinear(x!, n, c, py, px);
        }),
      ),
];

export const deformInputs = (groups: number, useMask: boolean): NewCase["inputs"] => [
  noise([1, 4, 4, 5], 1),
  noise([2, 4, 3, 3], 2),
  noise([1, groups * 18, 4, 5], 3),
  noise([2], 4),
  ...(useMask ? [noise([1, groups * 9, 4, 5], 5)] : []),
];
