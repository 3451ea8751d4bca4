/** Sets of pixels that are products of rows and columns, and which of them transformations along rows and columns read. */

import type { Size } from "../tensor.ts";

/** The pixels whose row and whose column are 1. */
export interface Lines {
  readonly rows: Uint8Array;
  readonly columns: Uint8Array;
}

/** Of `length` lines those that are read for the lines that are needed. @param reads calls `put` with each line that line i is made of. */
export const linesRead = (
  needed: Uint8Array,
  length: number,
  reads: (i: number, put: (line: number) => void) => void,
): Uint8Array => {
  const read = new Uint8Array(length);
  const put = (line: number): void => {
    read[line] = 1;
  };
  for (let i = 0; i < needed.length; i++) if (needed[i] === 1) reads(i, put);
  return read;
};

/** Y = A·X·B with A [H,H] and B [W,W]: entries other than zero are read. */
export const readByMatrices = (
  { rows, columns }: Lines,
  a: Float32Array,
  b: Float32Array,
  { height, width }: Size,
): Lines => ({
  rows: linesRead(rows, height, (i, put) => {
    for (let j = 0; j < height; j++) if (a[i * height + j] !== 0) put(j);
  }),
  columns: linesRead(columns, width, (i, put) => {
    for (let j = 0; j < width; j++) if (b[j * width + i] !== 0) put(j);
  }),
});

/**
 * A correlation with a kernel of rows and one of columns, of the image with `margin` lines on each side: its border repeated, or
 * a constant, which is not read.
 */
export const readByKernels = (
  needed: Lines,
  kernels: { readonly rows: Float32Array; readonly columns: Float32Array },
  { height, width }: Size,
  { margin, border }: { readonly margin: number; readonly border: "repeated" | "constant" },
): Lines => {
  const along = (lines: Uint8Array, kernel: Float32Array, length: number): Uint8Array =>
    linesRead(lines, length, (i, put) => {
      for (const [k, weight] of kernel.entries()) {
        const line = i + k - margin;
        const inside = Math.min(Math.max(line, 0), length - 1);
        if (weight !== 0 && (border === "repeated" || line === inside)) put(inside);
      }
    });
  return { rows: along(needed.rows, kernels.rows, height), columns: along(needed.columns, kernels.columns, width) };
};
