/** The lattice of one image, as the tensors to feed to a graph with `latticeInputs`. */

import { spatialSize, tensor, type Tensor } from "../tensor.ts";
import { DIMENSIONS, latticeNames, partsOf, type IndexType } from "./lattice-filter.ts";
import { checkParameters, type CrfParameters } from "./parameters.ts";
import { latticeOf, responseToOnes, type Lattice } from "./permutohedral.ts";

/** The tensors to feed, and the number of vertices M' for which the graph must be compiled. */
export interface ImageLattice {
  /** M': the vertices of the lattice, one vertex that represents missing neighbours, and padding. */
  readonly vertices: number;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** (x/θ_α, y/θ_α, r/θ_β, g/θ_β, b/θ_β) of each pixel: [H·W, 5]. In a grey image r = g = b. */
export const bilateralFeatures = (
  image: Tensor<"float32">,
  { thetaAlpha, thetaBeta }: Pick<CrfParameters["bilateral"], "thetaAlpha" | "thetaBeta">,
): Float32Array<ArrayBuffer> => {
  const { height, width } = spatialSize(image);
  const pixels = height * width;
  const planes = image.shape.at(-3);
  if ((planes !== 3 && planes !== 1) || image.data.length !== planes * pixels || pixels === 0)
    throw new RangeError(
      `crf: [${image.shape.join(", ")}] is not one image, [3, H, W] or [1, 3, H, W], or of one plane`,
    );
  const features = new Float32Array(DIMENSIONS * pixels);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      features[DIMENSIONS * i] = x / thetaAlpha;
      features[DIMENSIONS * i + 1] = y / thetaAlpha;
      for (let c = 0; c < 3; c++)
        features[DIMENSIONS * i + 2 + c] = image.data[(planes === 1 ? 0 : c * pixels) + i]! / thetaBeta;
    }
  }
  return features;
};

/**
 * The smallest number of the sequence 8, 9, …, 17, 19, 21, … (growing by 12 %) that is greater than the number of vertices.
 * Images with similar lattices can then share a compiled graph.
 */
export const paddedVertices = (vertices: number): number => {
  let size = 8;
  while (size <= vertices) size = Math.max(size + 1, Math.floor(1.12 * size));
  return size;
};

/** int32 to int64 by writing the low halves (little-endian), which needs no BigInt per element. */
const int64 = (values: Int32Array): BigInt64Array<ArrayBuffer> => {
  const halves = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) halves[2 * i] = values[i]!;
  return new BigInt64Array(halves.buffer);
};

/** Replaces missing neighbours, and the neighbours of padding, by the last vertex. */
const padNeighbours = ({ neighbours, vertices }: Lattice, padded: number): Int32Array<ArrayBuffer> => {
  const rows = neighbours.length / vertices;
  const out = new Int32Array(rows * padded).fill(padded - 1);
  for (let row = 0; row < rows; row++) {
    for (let v = 0; v < vertices; v++) {
      const next = neighbours[row * vertices + v]!;
      if (next !== vertices) out[row * padded + v] = next;
    }
  }
  return out;
};

const sliceWeights = (lattice: Lattice, weight: number): Float32Array<ArrayBuffer> => {
  const { points, dimensions, weights } = lattice;
  const ones = responseToOnes(lattice);
  const out = new Float32Array(weights.length);
  for (let point = 0, at = 0; point < points; point++) {
    const factor = weight / ones[point]!;
    for (let k = 0; k <= dimensions; k++, at++) out[at] = weights[at]! * factor;
  }
  return out;
};

const feedsOf = (lattice: Lattice, vertices: number, weight: number, index: IndexType): Record<string, Tensor> => {
  const across = DIMENSIONS + 1;
  const corners = index === "int64" ? int64(lattice.corners) : lattice.corners;
  const [splat, slice] = [lattice.weights, sliceWeights(lattice, weight)];
  const feeds: Record<string, Tensor> = {
    [latticeNames.neighbours]: tensor("int32", [across, 2, vertices], padNeighbours(lattice, vertices)),
  };
  let at = 0;
  for (const [part, n] of partsOf(lattice.points).entries()) {
    const end = at + n * across;
    feeds[latticeNames.corners(part)] = tensor(index, [n, across], corners.subarray(at, end));
    feeds[latticeNames.splat(part)] = tensor("float32", [n, across, 1], splat.subarray(at, end));
    feeds[latticeNames.slice(part)] = tensor("float32", [n, 1, across], slice.subarray(at, end));
    at = end;
  }
  return feeds;
};

/**
 * Builds the lattice of an image.
 *
 * @param image float32 [3,H,W], [1,3,H,W] or [1,H,W], grey levels 0..255
 * @param index as `latticeInputs` declared it
 * @returns null if the weight of the bilateral kernel is 0, so that no lattice is needed.
 * @throws CrfParameterError; RangeError if `image` is not one image, or θ is so small that the vertices cannot be numbered.
 */
export const latticeOfImage = (
  image: Tensor<"float32">,
  parameters: CrfParameters,
  index: IndexType = "int64",
): ImageLattice | null => {
  checkParameters(parameters);
  const { bilateral } = parameters;
  if (bilateral.weight === 0) return null;
  const lattice = latticeOf(bilateralFeatures(image, bilateral), DIMENSIONS);
  const vertices = paddedVertices(lattice.vertices);
  return { vertices, feeds: feedsOf(lattice, vertices, bilateral.weight, index) };
};
