/** Translation. */

import { asColumns, asRows, edged, filtered, kernelShapes, tap } from "./filter.ts";
import { readByKernels } from "./lines.ts";
import { drawnInteger, type Drawn, type Interval, type Transform, type TransformEntry } from "./transform.ts";

/**
 * y[i] = x[i − d] is a correlation with a kernel that is 1 at one place: the shift is then an input, which an index would have
 * to be known for. The logits are shifted back with the reversed kernel; where the image left no room, the border is repeated.
 */
const make = (dx: Interval, dy: Interval): Transform => {
  const radius = Math.max(...[...dx, ...dy].map(Math.abs));
  const length = 2 * radius + 1;
  const kernels = (down: number, right: number): Drawn => ({
    rows: asRows(tap(length, radius - down)),
    columns: asColumns(tap(length, radius - right)),
    rowsBack: asRows(tap(length, radius + down)),
    columnsBack: asColumns(tap(length, radius + right)),
  });
  const { rows, columns } = kernelShapes(length);
  return {
    shapes: () => ({ rows, columns, rowsBack: rows, columnsBack: columns }),
    draw: (next) => {
      const right = drawnInteger(next, dx);
      return kernels(drawnInteger(next, dy), right);
    },
    build: (op, image, inputs) => filtered(op, edged(op, image, radius), inputs["rows"]!, inputs["columns"]!),
    geometry: {
      resulting: (size) => size,
      undo: (op, logits, inputs) =>
        filtered(op, edged(op, logits, radius), inputs["rowsBack"]!, inputs["columnsBack"]!),
    },
    reads: (needed, { rows, columns }, size) =>
      readByKernels(needed, { rows: rows!.data, columns: columns!.data }, size, { margin: radius, border: "repeated" }),
  };
};

const shift = (description: string) =>
  ({ description, unit: "pixels", minimum: -32, maximum: 32, integer: true, default: [-8, 8] }) as const;

export const translate: TransformEntry = {
  title: "Translation",
  summary: "The image is shifted by whole pixels, its border repeated; the logits are shifted back.",
  random: false,
  options: { dx: shift("To the right"), dy: shift("Down") },
  paper: {
    title: "Exploring the Landscape of Spatial Robustness",
    authors: "Engstrom, Tran, Tsipras, Schmidt, Madry",
    year: 2019,
    arxiv: "1712.02779",
  },
  make: ({ dx, dy }) => make(dx!, dy!),
};
