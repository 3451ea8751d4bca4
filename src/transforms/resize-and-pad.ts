/** The image reduced, at a random place in a frame of its own size. */

import { tensorOf } from "../tensor.ts";
import { readByMatrices } from "./lines.ts";
import { samplesOf, square, transposed } from "./resize.ts";
import { drawn, type Interval, type Transform, type TransformEntry } from "./transform.ts";

/** Two matrices [n,n]: one puts n pixels, bilinearly reduced to m, into places `first` to `first` + m − 1; the other takes them back. */
const placed = (n: number, m: number, first: number): { readonly into: Float64Array; readonly back: Float64Array } => {
  const [into, back] = [new Float64Array(n * n), new Float64Array(n * n)];
  for (const [i, { low, high, weight }] of samplesOf(n, m).entries()) {
    into[(first + i) * n + low]! += 1 - weight;
    into[(first + i) * n + high]! += weight;
  }
  for (const [i, { low, high, weight }] of samplesOf(m, n).entries()) {
    back[i * n + first + low]! += 1 - weight;
    back[i * n + first + high]! += weight;
  }
  return { into, back };
};

interface Options {
  readonly probability: Interval;
  readonly scale: Interval;
  readonly left: Interval;
  readonly top: Interval;
  readonly value: Interval;
}

/**
 * Y = A·(X − v)·Bᵀ + v with matrices that are inputs, so that one graph serves every scale and place. With the probability 1 − p
 * they are the identity. The logits are cropped and enlarged to the pixels of the image, so that labels stay where they are.
 */
const make = ({ probability, scale, left, top, value }: Options): Transform => ({
  shapes: ({ height: h, width: w }) => ({
    rows: [h, h],
    columns: [w, w],
    rowsBack: [h, h],
    columnsBack: [w, w],
    value: [1],
  }),
  draw: (next, { height, width }) => {
    const changed = next() < drawn(next, probability);
    const share = changed ? drawn(next, scale) : 1;
    const along = (n: number, place: Interval) => {
      const m = Math.max(1, Math.round(share * n));
      return placed(n, m, Math.round((n - m) * drawn(next, place)));
    };
    const [rows, columns] = [along(height, top), along(width, left)];
    return {
      rows: square(height, rows.into),
      columns: square(width, transposed(columns.into, width)),
      rowsBack: square(height, rows.back),
      columnsBack: square(width, transposed(columns.back, width)),
      value: tensorOf("float32", [1], [drawn(next, value)]),
    };
  },
  build: (op, image, { rows, columns, value: frame }) =>
    op.Add(op.MatMul(rows, op.MatMul(op.Sub(image, frame), columns)), frame),
  geometry: {
    resulting: (size) => size,
    undo: (op, logits, { rowsBack, columnsBack }) => op.MatMul(rowsBack, op.MatMul(logits, columnsBack)),
  },
  reads: (needed, { rows, columns }, size) => readByMatrices(needed, rows!.data, columns!.data, size),
});

const share = (description: string) => ({ description, minimum: 0, maximum: 1, default: [0, 1] }) as const;

export const resizeAndPad: TransformEntry = {
  title: "Resizing and padding",
  summary: "The image reduced and put at a random place in a frame of its size; the logits are cropped and enlarged.",
  random: true,
  options: {
    probability: { description: "Probability that the image is changed", minimum: 0, maximum: 1, default: 0.5 },
    scale: { description: "Scale of the image", minimum: 0.1, maximum: 1, default: [0.9, 1] },
    left: share("Share of the frame that is left of the image"),
    top: share("Share of the frame that is above the image"),
    value: { description: "The frame's colour", unit: "grey levels", minimum: 0, maximum: 255, default: 0 },
  },
  paper: {
    title: "Improving Transferability of Adversarial Examples with Input Diversity",
    authors: "Xie, Zhang, Zhou, Bai, Wang, Ren, Yuille",
    year: 2019,
    arxiv: "1803.06978",
  },
  make: ({ probability, scale, left, top, value }) =>
    make({ probability: probability!, scale: scale!, left: left!, top: top!, value: value! }),
};
