/** Gaussian noise. */

import { normal } from "../random.ts";
import { sizeOf, tensorOf } from "../tensor.ts";
import { drawn, type TransformEntry } from "./transform.ts";
import type { Size } from "../tensor.ts";

const shapeOf = ({ height, width }: Size): readonly number[] => [1, 3, height, width];

export const noise: TransformEntry = {
  title: "Gaussian noise",
  summary: "x + σ·n, n standard normal for each channel of each pixel; nothing is clipped.",
  random: true,
  options: { sigma: { description: "Standard deviation", unit: "grey levels", minimum: 0, maximum: 128, default: 8 } },
  paper: {
    title: "Certified Adversarial Robustness via Randomized Smoothing",
    authors: "Cohen, Rosenfeld, Kolter",
    year: 2019,
    arxiv: "1902.02918",
  },
  make: ({ sigma }) => ({
    shapes: (size) => ({ map: shapeOf(size) }),
    draw: (next, size) => {
      const scale = drawn(next, sigma!);
      const shape = shapeOf(size);
      const map = Float32Array.from({ length: sizeOf(shape) }, () => scale * normal(next));
      return { map: tensorOf("float32", shape, map) };
    },
    build: (op, image, { map }) => op.Add(image, map),
  }),
};
