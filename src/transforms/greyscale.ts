/** Conversion to grey. */

import { tensorOf } from "../tensor.ts";
import { drawn, type TransformEntry } from "./transform.ts";

/** Luma of ITU-R BT.601, as JPEG, PIL and OpenCV have it. */
const luma = [0.299, 0.587, 0.114] as const;

export const greyscale: TransformEntry = {
  title: "Grey-scale",
  summary: "(1 − a)·x + a·(0.299 R + 0.587 G + 0.114 B) in each channel.",
  random: false,
  options: { amount: { description: "Share a of grey: 0 leaves the colours", minimum: 0, maximum: 1, default: 1 } },
  paper: {
    title: "On the Robustness of Semantic Segmentation Models to Adversarial Attacks",
    authors: "Arnab, Miksik, Torr",
    year: 2018,
    arxiv: "1711.09856",
  },
  make: ({ amount }) => ({
    shapes: () => ({ mix: [3, 3, 1, 1] }),
    draw: (next) => {
      const a = drawn(next, amount!);
      const mix = [0, 1, 2].flatMap((row) => luma.map((w, column) => (row === column ? 1 - a : 0) + a * w));
      return { mix: tensorOf("float32", [3, 3, 1, 1], mix) };
    },
    build: (op, image, { mix }) => op.Conv(image, mix),
  }),
};
