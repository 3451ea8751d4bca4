/**
 * Targets of a region: what the labels of an image are to become where something is hidden or swapped. The maps are made here,
 * and objectives take them as labels and weights.
 */

import type { Labels } from "../segmenter/segmenter.ts";
import { spatialSize, tensor, type Tensor } from "../tensor.ts";

/** uint8 [H,W]: 1 inside the region, 0 outside. */
export type Region = Tensor<"uint8">;

/** The pixels of some classes. */
export const regionOf = ({ shape, data }: Labels, classes: readonly number[]): Region => {
  const wanted = new Set(classes);
  return tensor(
    "uint8",
    shape,
    data.map((label) => Number(wanted.has(label))),
  );
};

/** One class in place of another; all other labels stay. */
export const swappedLabels = ({ shape, data }: Labels, from: number, to: number): Labels =>
  tensor(
    "uint8",
    shape,
    data.map((label) => (label === from ? to : label)),
  );

const requireSize = (what: string, labels: Labels, other: Tensor): void => {
  if (labels.shape.join("×") === other.shape.join("×")) return;
  throw new RangeError(
    `${what} is [${other.shape.join(", ")}] and the labels are [${labels.shape.join(", ")}]: they must agree`,
  );
};

/** Squares of the distance to the nearest source in each line, and where it is; Infinity and −1 where a line has none. */
interface Line {
  readonly squares: Float64Array;
  readonly from: Int32Array;
}

/**
 * The lower envelope of the parabolas f(j) + (i − j)² at each i, and whose it is (Felzenszwalb and Huttenlocher 2012): linear in
 * the length. Of equal ones the first stays.
 */
const envelope = (f: Float64Array): Line => {
  const n = f.length;
  const [squares, from] = [new Float64Array(n).fill(Infinity), new Int32Array(n).fill(-1)];
  const vertices: number[] = [];
  const starts: number[] = [];
  const meeting = (a: number, b: number): number => (f[b]! + b * b - f[a]! - a * a) / (2 * (b - a));
  for (let j = 0; j < n; j++) {
    if (f[j] === Infinity) continue;
    while (vertices.length > 0 && meeting(vertices.at(-1)!, j) <= starts.at(-1)!) {
      vertices.pop();
      starts.pop();
    }
    starts.push(vertices.length === 0 ? -Infinity : meeting(vertices.at(-1)!, j));
    vertices.push(j);
  }
  for (let i = 0, k = 0; i < n && vertices.length > 0; i++) {
    while (k + 1 < vertices.length && starts[k + 1]! < i) k++;
    const j = vertices[k]!;
    squares[i] = f[j]! + (i - j) ** 2;
    from[i] = j;
  }
  return { squares, from };
};

/**
 * The labels with a region hidden: each of its pixels has the label of the nearest pixel outside (Euclidean; void is no label to
 * take). The exact distance transform is separable: along the columns, then along the rows.
 *
 * @param region uint8 [H,W], not 0 inside.
 * @throws RangeError where the sizes differ, and where nothing outside the region has a label.
 */
export const filledRegion = (labels: Labels, region: Region, voidLabel = 255): Labels => {
  requireSize("the region", labels, region);
  const { height, width } = spatialSize(labels);
  const { data } = labels;
  const squares = new Float64Array(data.length);
  const rows = new Int32Array(data.length);
  for (let x = 0; x < width; x++) {
    const isSource = (y: number) => region.data[y * width + x] === 0 && data[y * width + x] !== voidLabel;
    const column = envelope(Float64Array.from({ length: height }, (_, y) => (isSource(y) ? 0 : Infinity)));
    for (let y = 0; y < height; y++) {
      squares[y * width + x] = column.squares[y]!;
      rows[y * width + x] = column.from[y]!;
    }
  }
  const filled = data.slice();
  for (let y = 0; y < height; y++) {
    const row = envelope(squares.subarray(y * width, (y + 1) * width));
    for (let x = 0; x < width; x++) {
      if (region.data[y * width + x] === 0) continue;
      const nearest = row.from[x]!;
      if (nearest < 0)
        throw new RangeError("nothing outside the region has a label, so there is nothing to fill it with");
      filled[y * width + x] = data[rows[y * width + nearest]! * width + nearest]!;
    }
  }
  return tensor("uint8", labels.shape, filled);
};

/**
 * Weights of a region for the objective `region`, float32 [1,H,W]: `inside` in the region and `outside` elsewhere. Metzen et al.
 * (2017, arXiv 1704.05712) hide a region with ω inside and 1 − ω outside, so that the rest keeps its labels.
 */
export const regionWeights = (region: Region, inside = 1, outside = 0): Tensor<"float32"> => {
  const { height, width } = spatialSize(region);
  return tensor(
    "float32",
    [1, height, width],
    Float32Array.from(region.data, (v) => (v === 0 ? outside : inside)),
  );
};

/** A weight for each pixel by its label, float32 [1,H,W], for `class-weighted-cross-entropy`; 0 for labels that have none. */
export const classWeights = (labels: Labels, weights: readonly number[]): Tensor<"float32"> => {
  const { height, width } = spatialSize(labels);
  return tensor(
    "float32",
    [1, height, width],
    Float32Array.from(labels.data, (label) => weights[label] ?? 0),
  );
};
