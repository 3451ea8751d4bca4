/** Assembles a map of logits from overlapping tiles, on each of which the network is run separately. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { type Size, spatialSize, type Tensor, tensorOf } from "../tensor.ts";

const HEIGHT = 2;
const WIDTH = 3;
type Axis = typeof HEIGHT | typeof WIDTH;

/** The starts of the tiles along one axis: `side − overlap` apart, the last one moved back so that it ends with the image. */
export const tileStarts = (length: number, side: number, overlap: number): readonly number[] => {
  const step = side - overlap;
  const count = 1 + Math.ceil(Math.max(0, length - side) / step);
  return Array.from({ length: count }, (_, i) => Math.min(i * step, length - side));
};

/**
 * The weight of each pixel of each tile. It rises from the tile's borders over the overlap, since near a border the network sees
 * the least context. At each pixel the weights of all tiles add up to 1.
 */
const tileWeights = (starts: readonly number[], length: number, side: number, overlap: number): number[][] => {
  const ramp = Array.from({ length: side }, (_, i) => Math.min(i + 1, side - i, overlap + 1));
  const total = new Float64Array(length);
  for (const start of starts) for (const [i, w] of ramp.entries()) total[start + i]! += w;
  return starts.map((start) => ramp.map((w, i) => w / total[start + i]!));
};

const along = (axis: Axis, weights: readonly number[]): Tensor =>
  tensorOf("float32", axis === HEIGHT ? [1, 1, weights.length, 1] : [1, 1, 1, weights.length], weights);

/** The zero padding around a part that begins at `start` of an axis of `length`. */
const placed = (op: Builder, part: Value, axis: Axis, start: number, length: number): Value => {
  const pads = [start, length - start - part.shape[axis]!].flatMap((zeros) =>
    part.shape.map((_, i) => (i === axis ? zeros : 0)),
  );
  return op.Pad(part, op.ints(pads), op.constant(0, part.dtype));
};

/**
 * Σ over the parts of weight · part, each at its place. All parts are written before their sums: onnxruntime executes the
 * latest producer first (see orderForMemory), and so adds one part before it computes the next.
 */
const blended = (op: Builder, parts: readonly Value[], starts: readonly number[], axis: Axis, of: Lengths): Value => {
  if (parts.length === 1) return parts[0]!;
  const weights = tileWeights(starts, of.length, of.side, of.overlap);
  const terms = parts.map((part, i) => {
    const weighted = op.Mul(part, op.tensor(along(axis, weights[i]!), "tile_weight"));
    return placed(op, weighted, axis, starts[i]!, of.length);
  });
  return terms.reduceRight((sum, term) => op.Add(term, sum));
};

interface Lengths {
  readonly length: number;
  readonly side: number;
  readonly overlap: number;
}

const sliced = (op: Builder, x: Value, axis: Axis, start: number, side: number): Value =>
  x.shape[axis] === side ? x : op.Slice(x, op.ints([start]), op.ints([start + side]), op.ints([axis]));

/**
 * The logits [1,C,H,W] of `x` [1,3,H,W], which is not smaller than a tile: at each pixel the weighted mean over the tiles that cover it. A
 * weight is the product of one for the row and one for the column, and falls towards the borders of the tile.
 *
 * @param logits computes the logits of one tile, at the size of the tile.
 */
export const tiled = (op: Builder, x: Value, tile: Size, overlap: number, logits: (x: Value) => Value): Value => {
  const { height, width } = spatialSize(x);
  const rows = { length: height, side: tile.height, overlap };
  const columns = { length: width, side: tile.width, overlap };
  const [tops, lefts] = [rows, columns].map(({ length, side }) => tileStarts(length, side, overlap));
  const strips = tops!.map((top) => {
    const strip = sliced(op, x, HEIGHT, top, tile.height);
    const parts = lefts!.map((left) => logits(sliced(op, strip, WIDTH, left, tile.width)));
    return blended(op, parts, lefts!, WIDTH, columns);
  });
  return blended(op, strips, tops!, HEIGHT, rows);
};
