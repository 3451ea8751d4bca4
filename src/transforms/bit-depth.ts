/** Fewer grey levels. */

import { tensorOf } from "../tensor.ts";
import { clamped, rounded } from "./rounding.ts";
import { drawnInteger, type TransformEntry } from "./transform.ts";

export const bitDepth: TransformEntry = {
  title: "Bit depth",
  summary: "Each channel rounded to 2ᵇ levels that are evenly spaced from 0 to 255; the gradient is straight-through.",
  random: false,
  options: { bits: { description: "Bits b of a channel", minimum: 1, maximum: 8, integer: true, default: 4 } },
  paper: {
    title: "Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks",
    authors: "Xu, Evans, Qi",
    year: 2018,
    arxiv: "1704.01155",
  },
  make: ({ bits }) => ({
    shapes: () => ({ step: [1] }),
    // Grey levels between two neighbouring levels, 255 ÷ (2ᵇ − 1).
    draw: (next) => ({ step: tensorOf("float32", [1], [255 / (2 ** drawnInteger(next, bits!) - 1)]) }),
    build: (op, image, { step }) => op.Mul(rounded(op, op.Div(clamped(op, image), step)), step),
  }),
};
