/** Padding at random places. */

import { tensorOf } from "../tensor.ts";
import { asColumns, asRows, filtered, kernelShapes, tap } from "./filter.ts";
import { readByKernels } from "./lines.ts";
import { drawn, type Drawn, type Interval, type Transform, type TransformEntry } from "./transform.ts";

interface Options {
  readonly border: number;
  readonly left: Interval;
  readonly top: Interval;
  readonly value: Interval;
}

/**
 * An image of 2p more pixels each way, with a pixels of padding before the image and 2p − a behind it: of the image with 2p
 * on both sides, a correlation with a kernel of 2p + 1 that is 1 at 2p − a cuts those out, and with the reversed kernel the
 * logits of the image itself. So a is an input. The padding is done on x − value, with zeros.
 */
const make = ({ border, left, top, value }: Options): Transform => {
  const both = 2 * border;
  const length = both + 1;
  const kernels = (above: number, before: number): Drawn => ({
    rows: asRows(tap(length, both - above)),
    columns: asColumns(tap(length, both - before)),
    rowsBack: asRows(tap(length, above)),
    columnsBack: asColumns(tap(length, before)),
  });
  const { rows, columns } = kernelShapes(length);
  return {
    shapes: () => ({ rows, columns, rowsBack: rows, columnsBack: columns, value: [1] }),
    draw: (next) => {
      const before = Math.round(both * drawn(next, left));
      const above = Math.round(both * drawn(next, top));
      return { ...kernels(above, before), value: tensorOf("float32", [1], [drawn(next, value)]) };
    },
    build: (op, image, inputs) => {
      const pads = op.ints([0, 0, both, both, 0, 0, both, both]);
      const padded = op.Pad(op.Sub(image, inputs["value"]), pads, op.constant(0));
      return op.Add(filtered(op, padded, inputs["rows"]!, inputs["columns"]!), inputs["value"]);
    },
    geometry: {
      resulting: ({ height, width }) => ({ height: height + both, width: width + both }),
      undo: (op, logits, inputs) => filtered(op, logits, inputs["rowsBack"]!, inputs["columnsBack"]!),
    },
    reads: (needed, { rows, columns }, size) =>
      readByKernels(needed, { rows: rows!.data, columns: columns!.data }, size, { margin: both, border: "constant" }),
  };
};

const share = (description: string) => ({ description, minimum: 0, maximum: 1, default: [0, 1] }) as const;

export const pad: TransformEntry = {
  title: "Padding",
  summary: "The image at a random place in a larger one of a constant colour; the logits are cropped.",
  random: false,
  options: {
    border: {
      description: "The image becomes larger by twice this, each way",
      unit: "pixels",
      minimum: 1,
      maximum: 64,
      integer: true,
      default: 8,
      structural: true,
    },
    left: share("Share of the padding that is left of the image"),
    top: share("Share of the padding that is above the image"),
    value: { description: "The padding's colour", unit: "grey levels", minimum: 0, maximum: 255, default: 128 },
  },
  paper: {
    title: "Mitigating Adversarial Effects Through Randomization",
    authors: "Xie, Wang, Zhang, Ren, Yuille",
    year: 2018,
    arxiv: "1711.01991",
  },
  make: ({ border, left, top, value }) => make({ border: border![0], left: left!, top: top!, value: value! }),
};
