/** The appearance kernel: splat, blur and slice on a permutohedral lattice, as a graph fragment over its indices. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import type { Message } from "./message.ts";
import { dimensionsOf } from "../tensor.ts";

/**
 * The lattice of one image as inputs of a graph. The points are divided into parts, because the intermediate values of a
 * point are d + 1 times as large as its probabilities.
 */
export interface LatticeInputs {
  readonly parts: readonly LatticePart[];
  /**
   * int32 [d+1, 2, M']: neighbours along each axis. The last vertex belongs to no point and represents missing
   * neighbours.
   */
  readonly neighbours: Value;
}

export interface LatticePart {
  /** int64 or int32 [n, d+1]: the vertices of each point's simplex. */
  readonly corners: Value;
  /** float32 [n, d+1, 1]: barycentric coordinates. */
  readonly splat: Value;
  /** float32 [n, 1, d+1]: barycentric coordinates times w⁽¹⁾ ÷ (the lattice's response to ones). */
  readonly slice: Value;
}

/** The number of points of a part: with 11 classes, [n, d+1, C] takes 4 MiB. */
const PART = 1 << 14;

/** The number of points of each part. */
export const partsOf = (points: number): number[] =>
  Array.from({ length: Math.ceil(points / PART) }, (_, i) => Math.min(PART, points - i * PART));

/** The names of the graph's inputs. */
export const latticeNames = {
  corners: (part: number) => `crf_corners_${part}`,
  splat: (part: number) => `crf_splat_${part}`,
  slice: (part: number) => `crf_slice_${part}`,
  neighbours: "crf_neighbours",
} as const;

/** d: two coordinates and three colour channels. */
export const DIMENSIONS = 5;

/**
 * Element type of `corners`: int64, which ONNX's ScatterND requires, or int32, the only one that WebGPU has kernels
 * for.
 */
export type IndexType = "int64" | "int32";

/** Declares the inputs that `latticeOfImage` fills, for images of `points` pixels and lattices of `vertices` (M'). */
export const latticeInputs = (
  op: Builder,
  points: number,
  vertices: number,
  index: IndexType = "int64",
): LatticeInputs => ({
  parts: partsOf(points).map((n, i) => ({
    corners: op.input(latticeNames.corners(i), index, [n, DIMENSIONS + 1]),
    splat: op.input(latticeNames.splat(i), "float32", [n, DIMENSIONS + 1, 1]),
    slice: op.input(latticeNames.slice(i), "float32", [n, 1, DIMENSIONS + 1]),
  })),
  neighbours: op.input(latticeNames.neighbours, "int32", [DIMENSIONS + 1, 2, vertices]),
});

const splat = (op: Builder, q: Value, { parts, neighbours }: LatticeInputs): Value => {
  const classes = q.shape[1]!;
  const sizes = parts.map(({ corners }) => corners.shape[0]!);
  const pieces = parts.length === 1 ? [q] : op.append("Split", [q, op.ints(sizes)], { axis: 0 }, parts.length);
  // All of them precede the first ScatterND in the graph. onnxruntime, which executes later nodes first, then
  // computes each just before it is added.
  const shares = parts.map((part, i) => op.MatMul(part.splat, op.Reshape(pieces[i], op.ints([sizes[i]!, 1, classes]))));
  const rows = parts.map(({ corners }) => op.Unsqueeze(op.cast(corners, "int64"), op.ints([2])));
  return rows.reduce(
    (vertices, row, i) => op.ScatterND(vertices, row, shares[i], { reduction: "add" }),
    op.zeros({ dtype: q.dtype, shape: [neighbours.shape[2]!, classes] }),
  );
};

/** Blurs by [1 2 1]/2 along each axis. The normalisation corrects the factor of 2 per axis. */
const blur = (op: Builder, vertices: Value, neighbours: Value): Value => {
  const [axes, , count] = dimensionsOf(neighbours, 3);
  const read = (x: Value, axis: number, side: number): Value => {
    const where = op.Slice(neighbours, op.ints([axis, side]), op.ints([axis + 1, side + 1]), op.ints([0, 1]));
    return op.Gather(x, op.Reshape(where, op.ints([count])), { axis: 0 });
  };
  let x = vertices;
  for (let axis = 0; axis < axes; axis++) {
    const around = op.Add(read(x, axis, 0), read(x, axis, 1));
    x = op.Add(x, op.Mul(around, op.constant(0.5, x.dtype)));
  }
  return x;
};

const slice = (op: Builder, vertices: Value, parts: readonly LatticePart[]): Value => {
  const pieces = parts.map(({ corners, slice: weights }) => {
    const mean = op.MatMul(weights, op.Gather(vertices, corners, { axis: 0 }));
    return op.Reshape(mean, op.ints([corners.shape[0]!, vertices.shape[1]!]));
  });
  return pieces.length === 1 ? pieces[0]! : op.Concat(...pieces, { axis: 0 });
};

/** w⁽¹⁾ times the bilateral mean around each pixel, including the pixel itself, as in the released layers. */
export const latticeFilter =
  (lattice: LatticeInputs): Message =>
  (op, q) =>
    slice(op, blur(op, splat(op, q, lattice), lattice.neighbours), lattice.parts);
