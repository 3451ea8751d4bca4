/** JPEG, encoded and decoded again. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { dimensionsOf, spatialSize, tensorOf, type Tensor } from "../tensor.ts";
import { chrominanceTable, luminanceTable } from "./jpeg-tables.ts";
import { linesRead } from "./lines.ts";
import { clamped, rounded } from "./rounding.ts";
import { drawnInteger, type Interval, type Transform, type TransformEntry } from "./transform.ts";

/** JFIF's colours, centred at zero: Y − 128, Cb − 128, Cr − 128. */
const toYcc = [0.299, 0.587, 0.114, -0.168735892, -0.331264108, 0.5, 0.5, -0.418687589, -0.081312411];
const toRgb = [1, 0, 1.402, 1, -0.344136286, -0.714136286, 1, 1.772, 0];

/** F_uv = ¼ c_u c_v Σ f_yx cos((2x+1)uπ/16) cos((2y+1)vπ/16), c₀ = 1/√2: orthonormal, so its transpose inverts it. */
const cosines = (): Tensor<"float32"> => {
  const basis = (u: number, x: number): number =>
    (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
  const values = Array.from({ length: 64 * 64 }, (_, i) => {
    const [v, u, y, x] = [i >> 9, (i >> 6) & 7, (i >> 3) & 7, i & 7];
    return basis(v, y) * basis(u, x);
  });
  return tensorOf("float32", [64, 1, 8, 8], values);
};

const mixed = (op: Builder, x: Value, matrix: readonly number[], offset: readonly number[]): Value =>
  op.Conv(
    x,
    op.tensor(tensorOf("float32", [3, 3, 1, 1], matrix), "colours"),
    op.tensor(tensorOf("float32", [3], offset), "offset"),
  );

const sliced = (
  op: Builder,
  x: Value,
  axes: readonly number[],
  from: readonly number[],
  to: readonly number[],
): Value => op.Slice(x, op.ints(from), op.ints(to), op.ints(axes));

/** Planes [1,N,H,W] as their DCT coefficients are quantised: round(F/q)·q in each block of 8×8; `table`: [1,64,1,1]. */
const quantised = (op: Builder, planes: Value, table: Value): Value => {
  const [, count, height, width] = dimensionsOf(planes, 4);
  const dct = op.tensor(cosines(), "dct");
  const coefficients = op.Conv(op.Reshape(planes, op.ints([count, 1, height, width])), dct, { strides: [8, 8] });
  const kept = op.Mul(rounded(op, op.Div(coefficients, table)), table);
  return op.Reshape(op.ConvTranspose(kept, dct, { strides: [8, 8] }), op.ints([1, count, height, width]));
};

/** To whole blocks, by repeating the last row and column, as libjpeg does. */
const toBlocks = (op: Builder, x: Value, side: number): Value => {
  const { height, width } = spatialSize(x);
  const missing = [height, width].map((n) => (side - (n % side)) % side);
  if (missing.every((n) => n === 0)) return x;
  return op.Pad(x, op.ints([0, 0, 0, 0, 0, 0, ...missing]), null, { mode: "edge" });
};

/** Bilinear, which at twice the size is libjpeg's "fancy upsampling": weights ¾ and ¼. */
const doubled = (op: Builder, x: Value): Value =>
  op.Resize(x, null, null, op.ints([1, x.shape[1]!, 2 * x.shape[2]!, 2 * x.shape[3]!]), {
    mode: "linear",
    coordinate_transformation_mode: "half_pixel",
  });

/** A line is made of the lines of its blocks; of chroma at half the size, also of those of the blocks around them. */
const blocksRead = (needed: Uint8Array, length: number, subsampling: number): Uint8Array => {
  const side = 8 * subsampling;
  return linesRead(needed, length, (i, put) => {
    const reach = subsampling - 1;
    const [first, last] = [i - reach, i + reach].map((line) => Math.floor(line / side));
    for (let line = Math.max(0, first! * side); line < Math.min(length, (last! + 1) * side); line++) put(line);
  });
};

/**
 * What a codec does to the pixels, and nothing of its entropy coding: colours, chroma at half the size (4:2:0), DCT, division by
 * the quality's table, rounding, and back. The rounding of pixels and of coefficients is straight-through; the intermediate
 * rounding of Y, Cb and Cr to 8 bits, a matter of the implementation, is left out.
 */
const make = (quality: Interval, subsampling: number): Transform => ({
  shapes: () => ({ luminance: [1, 64, 1, 1], chrominance: [1, 64, 1, 1] }),
  draw: (next) => {
    const q = drawnInteger(next, quality);
    return {
      luminance: tensorOf("float32", [1, 64, 1, 1], luminanceTable(q)),
      chrominance: tensorOf("float32", [1, 64, 1, 1], chrominanceTable(q)),
    };
  },
  build: (op, image, { luminance, chrominance }) => {
    const { height, width } = spatialSize(image);
    const pixels = toBlocks(op, rounded(op, clamped(op, image)), 8 * subsampling);
    const ycc = mixed(op, pixels, toYcc, [-128, 0, 0]);
    const luma = quantised(op, sliced(op, ycc, [1], [0], [1]), luminance!);
    const full = sliced(op, ycc, [1], [1], [3]);
    const chroma =
      subsampling === 1
        ? quantised(op, full, chrominance!)
        : doubled(op, quantised(op, op.AveragePool(full, { kernel_shape: [2, 2], strides: [2, 2] }), chrominance!));
    const rgb = mixed(op, op.Concat(luma, chroma, { axis: 1 }), toRgb, [128, 128, 128]);
    return rounded(op, clamped(op, sliced(op, rgb, [2, 3], [0, 0], [height, width])));
  },
  reads: ({ rows, columns }, _, { height, width }) => ({
    rows: blocksRead(rows, height, subsampling),
    columns: blocksRead(columns, width, subsampling),
  }),
});

export const jpeg: TransformEntry = {
  title: "JPEG",
  summary: "JPEG compression at a quality; the gradient of its rounding is straight-through.",
  random: false,
  options: {
    quality: {
      description: "Quality of the Independent JPEG Group's tables",
      minimum: 1,
      maximum: 100,
      integer: true,
      default: 75,
    },
    subsampling: {
      description: "Of the chroma: 2 is 4:2:0, as encoders do by default, 1 is 4:4:4",
      minimum: 1,
      maximum: 2,
      integer: true,
      default: 2,
      structural: true,
    },
  },
  paper: {
    title: "JPEG-resistant Adversarial Images",
    authors: "Shin, Song",
    year: 2017,
  },
  make: ({ quality, subsampling }) => make(quality!, subsampling![0]),
};
