/** Gaussian blur. */

import { asColumns, asRows, edged, filtered, kernelShapes } from "./filter.ts";
import { readByKernels } from "./lines.ts";
import { drawn, type Interval, type Transform, type TransformEntry } from "./transform.ts";

/** w_k ∝ e^(−k²/2σ²) for |k| ≤ r, Σ w = 1; for σ = 0 the identity. */
export const gaussianKernel = (sigma: number, radius: number): number[] => {
  const raw = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    i === radius ? 1 : sigma === 0 ? 0 : Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / sum);
};

const make = (sigma: Interval): Transform => {
  const radius = Math.ceil(3 * sigma[1]);
  return {
    shapes: () => kernelShapes(2 * radius + 1),
    draw: (next) => {
      const kernel = gaussianKernel(drawn(next, sigma), radius);
      return { rows: asRows(kernel), columns: asColumns(kernel) };
    },
    build: (op, image, { rows, columns }) => filtered(op, edged(op, image, radius), rows!, columns!),
    reads: (needed, { rows, columns }, size) =>
      readByKernels(needed, { rows: rows!.data, columns: columns!.data }, size, { margin: radius, border: "repeated" }),
  };
};

export const blur: TransformEntry = {
  title: "Gaussian blur",
  summary: "Convolution with a Gaussian, cut off at 3σ; the border is repeated.",
  random: false,
  options: { sigma: { description: "Standard deviation", unit: "pixels", minimum: 0, maximum: 10, default: 1 } },
  paper: {
    title: "Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks",
    authors: "Xu, Evans, Qi",
    year: 2018,
    arxiv: "1704.01155",
  },
  make: ({ sigma }) => make(sigma!),
};
