/** Newer operators, each with inputs and its definition. */

import { tensorOf } from "../../src/tensor.ts";
import {
  alignedMean,
  attention,
  deformed,
  deformInputs,
  mask,
  pooledRegion,
  regions,
  total,
  type NewCase,
  type Reader,
} from "./newer-definitions.ts";
import { ints, noise } from "./support.ts";

export const opset: Readonly<Record<string, number>> = {
  Mod: 28,
  SpaceToDepth: 28,
  SwiGLU: 28,
  CumProd: 26,
  Attention: 25,
  Swish: 24,
  RMSNormalization: 23,
  RotaryEmbedding: 23,
};

export const cases: readonly NewCase[] = [
  { operator: "Swish", name: "default", inputs: [noise([2, 3])], attributes: {}, y: [[2, 3], ([x]) => (...i) => x!(...i) / (1 + Math.exp(-x!(...i)))] }, // prettier-ignore
  { operator: "Swish", name: "alpha", inputs: [noise([2, 3])], attributes: { alpha: 1.7 }, y: [[2, 3], ([x]) => (...i) => x!(...i) / (1 + Math.exp(-1.7 * x!(...i)))] }, // prettier-ignore
  ...[1, 2].map((axis): NewCase => ({
    operator: "RMSNormalization",
    name: `from axis ${axis}`,
    inputs: [noise([2, 3, 4]), noise([4], 2)],
    attributes: { axis, epsilon: 0.1 },
    y: [
      [2, 3, 4],
      ([x, scale]) =>
        (a = 0, b = 0, c = 0) => {
          const rows = axis === 1 ? [0, 1, 2] : [b];
          const mean = total(rows.length, (r) => total(4, (k) => x!(a, rows[r]!, k) ** 2)) / (4 * rows.length);
          return (scale!(c) * x!(a, b, c)) / Math.sqrt(mean + Math.fround(0.1));
        },
    ],
  })),
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse): NewCase => ({
      operator: "CumProd",
      name: `exclusive ${exclusive}, reverse ${reverse}`,
      inputs: [noise([2, 5]), ints(1)],
      fixed: [1],
      attributes: { exclusive, reverse },
      y: [
        [2, 5],
        ([x]) =>
          (a = 0, b = 0) =>
            Array.from({ length: 5 }, (_, i) => i)
              .filter((i) => (reverse ? i - b >= exclusive : b - i >= exclusive))
              .reduce((product, i) => product * x!(a, i), 1),
      ],
    })),
  ),
  { operator: "CenterCropPad", name: "cut and filled", inputs: [noise([5, 2, 4]), ints(2, 5)], fixed: [1], attributes: { axes: [0, 1] }, y: [[2, 5, 4], ([x]) => (a = 0, b = 0, c = 0) => x!(a + 1, b - 1, c)] }, // prettier-ignore
  { operator: "EyeLike", name: "above", inputs: [noise([3, 4])], attributes: { k: 1 }, y: [[3, 4], () => (a = 0, b = 0) => Number(b - a === 1)] }, // prettier-ignore
  ...[0, 1].map((corners): NewCase => ({
    operator: "AffineGrid",
    name: `align_corners ${corners}`,
    inputs: [noise([2, 2, 3]), ints(2, 3, 4, 5)],
    fixed: [1],
    attributes: { align_corners: corners },
    y: [
      [2, 4, 5, 2],
      ([theta]) =>
        (n = 0, h = 0, w = 0, k = 0) => {
          const at = (i: number, d: number) => (corners ? (2 * i) / (d - 1) - 1 : (2 * i + 1) / d - 1);
          return theta!(n, k, 0) * at(w, 5) + theta!(n, k, 1) * at(h, 4) + theta!(n, k, 2);
        },
    ],
  })),
  {
    operator: "Col2Im",
    name: "strides, pads and dilations",
    inputs: [noise([2, 12, 9]), ints(5, 6), ints(2, 2)],
    fixed: [1, 2],
    attributes: { strides: [2, 2], pads: [1, 0, 0, 1], dilations: [1, 2] },
    y: [
      [2, 3, 5, 6],
      ([x]) =>
        (n = 0, c = 0, h = 0, w = 0) =>
          total(3, (oy) =>
            total(3, (ox) =>
              total(4, (tap) => {
                const [py, px] = [2 * oy - 1 + Math.floor(tap / 2), 2 * ox + 2 * (tap % 2)];
                return py === h && px === w ? x!(n, 4 * c + tap, 3 * oy + ox) : 0;
              }),
            ),
          ),
    ],
  },
  { operator: "DeformConv", name: "one group of offsets", inputs: deformInputs(1, false), fixed: [1], attributes: { pads: [1, 1, 1, 1] }, y: deformed(1, false) }, // prettier-ignore
  { operator: "DeformConv", name: "two groups, a mask", inputs: deformInputs(2, true), fixed: [1], attributes: { pads: [1, 1, 1, 1], offset_group: 2 }, y: deformed(2, true) }, // prettier-ignore
  {
    operator: "Attention",
    name: "heads that share keys, a cap, a mask",
    inputs: [noise([1, 4, 4, 3], 1), noise([1, 2, 5, 3], 2), noise([1, 2, 5, 2], 3), mask],
    attributes: { softcap: 2 },
    y: [[1, 4, 4, 2], ([q, k, v, m]) => attention(1 / Math.sqrt(3), 5, 3, 2, (i, j) => m!(i, j), 2)([q!, k!, v!])],
  },
  {
    operator: "Attention",
    name: "three axes, causal",
    inputs: [noise([1, 4, 6], 1), noise([1, 4, 6], 2), noise([1, 4, 6], 3)],
    attributes: { q_num_heads: 2, kv_num_heads: 2, is_causal: 1, scale: 0.8 },
    y: [
      [1, 4, 6],
      ([q, k, v]) =>
        (b = 0, s = 0, e = 0) => {
          const heads = [q, k, v].map(
            (x): Reader =>
              (n = 0, h = 0, i = 0, d = 0) =>
                x!(n, i, 3 * h + d),
          );
          return attention(0.8, 4, 3, 1, (i, j) => (j > i ? -Infinity : 0))(heads)(b, Math.floor(e / 3), s, e % 3);
        },
    ],
  },
  {
    operator: "RoiAlign",
    name: "two images, regions that vary",
    inputs: [noise([2, 2, 6, 7], 1), regions, ints(1, 0, 1)],
    fixed: [2],
    attributes: { output_height: 2, output_width: 3, sampling_ratio: 2, spatial_scale: 0.5 },
    y: [[3, 2, 2, 3], alignedMean([6, 7], [2, 3], 2, 0.5)],
  },
  {
    operator: "RoiAlign",
    name: "one image, output_half_pixel, regions that vary",
    inputs: [noise([1, 2, 6, 7], 1), regions, ints(0, 0, 0)],
    fixed: [2],
    attributes: {
      output_height: 2,
      output_width: 3,
      sampling_ratio: 3,
      spatial_scale: 0.5,
      coordinate_transformation_mode: "output_half_pixel",
    },
    y: [[3, 2, 2, 3], alignedMean([6, 7], [2, 3], 3, 0)],
  },
  {
    operator: "RoiAlign",
    name: "as many samples as a bin has pixels",
    inputs: [noise([2, 2, 6, 7], 1), regions, ints(1, 0, 1)],
    fixed: [1, 2],
    attributes: { output_height: 2, output_width: 1, spatial_scale: 0.5 },
    y: [[3, 2, 2, 1], alignedMean([6, 7], [2, 1], 0, 0.5)],
  },
  {
    operator: "MaxRoiPool",
    name: "two images, a region beyond the border",
    inputs: [noise([2, 2, 6, 7], 1), tensorOf("float32", [3, 5], [1, 1, 0, 5, 3, 0, -6, 2, 3, 9, 1, 4, 4, 4, 4])],
    fixed: [1],
    attributes: { pooled_shape: [2, 3] },
    y: [[3, 2, 2, 3], pooledRegion([6, 7], [2, 3])],
  },
  {
    operator: "SpaceToDepth",
    name: "channels first within a block",
    inputs: [noise([2, 3, 4, 6], 1)],
    attributes: { blocksize: 2, mode: "CRD" },
    y: [
      [2, 12, 2, 3],
      ([x]) =>
        (n = 0, c = 0, i = 0, j = 0) =>
          x!(n, Math.floor(c / 4), 2 * i + Math.floor((c % 4) / 2), 2 * j + (c % 2)),
    ],
  },
  {
    operator: "Mod",
    name: "the sign of the divisor",
    inputs: [tensorOf("float32", [6], [5.5, -5.5, 5.5, -5.5, 6, 1]), tensorOf("float32", [6], [2, 2, -2, -2, 3, -3])],
    // Mod has no gradient rule.
    isForward: true,
    attributes: { fmod: 0 },
    y: [
      [6],
      () =>
        (i = 0) =>
          [1.5, 0.5, -0.5, -1.5, 0, -2][i]!,
    ],
  },
  {
    operator: "SwiGLU",
    name: "alpha 1.7",
    inputs: [noise([2, 3], 1), noise([2, 3], 2)],
    attributes: { alpha: 1.7 },
    y: [
      [2, 3],
      ([a, b]) =>
        (...at) =>
          (a!(...at) / (1 + Math.exp(-1.7 * a!(...at)))) * b!(...at),
    ],
  },
  ...[0, 1].map((interleaved): NewCase => ({
    operator: "RotaryEmbedding",
    name: `interleaved ${interleaved}, in part`,
    inputs: [noise([1, 2, 3, 6], 1), noise([5, 2], 2), noise([5, 2], 3), tensorOf("int64", [1, 3], [4, 0, 2])],
    fixed: [3],
    attributes: { interleaved, rotary_embedding_dim: 4 },
    y: [
      [1, 2, 3, 6],
      ([x, cos, sin, at]) =>
        (b = 0, h = 0, s = 0, d = 0) => {
          if (d >= 4) return x!(b, h, s, d);
          const isFirst = interleaved ? d % 2 === 0 : d < 2;
          const pair = interleaved ? Math.floor(d / 2) : d % 2;
          const other = interleaved ? (isFirst ? d + 1 : d - 1) : (isFirst ? d + 2 : d - 2); // prettier-ignore
          const angle = at!(b, s);
          const turned = (isFirst ? -1 : 1) * sin!(angle, pair) * x!(b, h, s, other);
          return x!(b, h, s, d) * cos!(angle, pair) + turned;
        },
    ],
  })),
];
