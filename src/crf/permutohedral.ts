/**
 * The permutohedral lattice of a set of points (Adams, Baek, Davis: Fast High-Dimensional Filtering Using the Permutohedral
 * Lattice, Eurographics 2010): the position of each point between the vertices, and the neighbours of each vertex.
 */

import { Simplex, scalesOf } from "./simplex.ts";
import { VertexTable } from "./vertex-table.ts";

/**
 * Gaussian filtering over N points of d dimensions as three sparse linear maps: splat, blur along d + 1 axes, slice.
 */
export interface Lattice {
  readonly points: number;
  readonly dimensions: number;
  /** M: the number of vertices that belong to the simplex of some point. */
  readonly vertices: number;
  /** [N, d+1]: the vertices of each point's simplex. */
  readonly corners: Int32Array<ArrayBuffer>;
  /** [N, d+1]: the barycentric coordinates of each point in its simplex; their sum is 1. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** [d+1, 2, M]: the neighbours of each vertex along each axis, forward and backward; M if there is none. */
  readonly neighbours: Int32Array<ArrayBuffer>;
}

/** Keys of vertices must be exact integers in float64. */
const LARGEST_KEY = 2 ** 53;

/** The extent of q along each of the first d axes, from the bounding box of the points. */
const extentsOf = (features: Float32Array, d: number): { low: Float64Array; extent: Float64Array } => {
  const [least, most] = [new Float64Array(d).fill(Infinity), new Float64Array(d).fill(-Infinity)];
  if (!features.every(Number.isFinite)) throw new RangeError("permutohedral: a feature is not a finite number");
  for (let at = 0; at < features.length; at += d) {
    for (let i = 0; i < d; i++) {
      const v = features[at + i]!;
      if (v < least[i]!) least[i] = v;
      if (v > most[i]!) most[i] = v;
    }
  }
  const scales = scalesOf(d);
  const [low, extent] = [new Float64Array(d), new Float64Array(d)];
  for (let i = 0; i < d; i++) {
    // xᵢ = Σ_{k ≥ i} s_k·f_k − i·s_{i−1}·f_{i−1}
    let [from, to] = i === 0 ? [0, 0] : [-i * scales[i - 1]! * most[i - 1]!, -i * scales[i - 1]! * least[i - 1]!];
    for (let k = i; k < d; k++) {
      from += scales[k]! * least[k]!;
      to += scales[k]! * most[k]!;
    }
    // A vertex of the simplex is less than d + 1 away from the point, and its neighbours less than d + 1 from it.
    low[i] = Math.floor(from / (d + 1)) - 3;
    extent[i] = Math.ceil(to / (d + 1)) + 3 - low[i]! + 1;
  }
  return { low, extent };
};

/**
 * Packs a vertex into one number: the vertex (d + 1)·q + r·1, less d + 1 along the axes that it was moved along, has the key
 * r + (d + 1)·Σ strideᵢ·(qᵢ − lowᵢ), so that a step between vertices is an addition. The last coordinate follows from the others.
 */
const packingOf = (features: Float32Array, d: number): { low: Float64Array; stride: Float64Array } => {
  const { low, extent } = extentsOf(features, d);
  const stride = new Float64Array(d + 1);
  let size = d + 1;
  for (let i = 0; i < d; i++) {
    stride[i] = size;
    size *= extent[i]!;
  }
  if (!(size <= LARGEST_KEY)) {
    throw new RangeError(
      `permutohedral: the points span ${size.toExponential(1)} vertices, more than can be numbered; larger θ bring them together`,
    );
  }
  return { low, stride };
};

/** The neighbours of every vertex along every axis: one coordinate changes by ∓d, the others by ±1. */
const neighboursOf = (table: VertexTable, stride: Float64Array): Int32Array<ArrayBuffer> => {
  const [d, m, keys] = [stride.length - 1, table.size, table.keys];
  const wraps = Uint8Array.from(keys, (key) => Number(key % (d + 1) === d));
  const total = stride.reduce((a, b) => a + b, 0);
  const neighbours = new Int32Array(2 * (d + 1) * m).fill(m);
  for (let axis = 0; axis <= d; axis++) {
    const [inside, wrapping] = [1 - stride[axis]!, total - stride[axis]! - d];
    const [forward, backward] = [2 * axis * m, (2 * axis + 1) * m];
    for (let v = 0; v < m; v++) {
      const next = table.find(keys[v]! + (wraps[v] === 1 ? wrapping : inside));
      if (next < 0) continue;
      neighbours[forward + v] = next;
      neighbours[backward + next] = v;
    }
  }
  return neighbours;
};

/**
 * Builds the lattice.
 *
 * @param features [N, d], in standard deviations of the Gaussian
 * @throws RangeError if the points are not finite, or so far apart that the vertices cannot be numbered.
 */
export const latticeOf = (features: Float32Array, d: number): Lattice => {
  const points = features.length / d;
  const { low, stride } = packingOf(features, d);
  const [simplex, table] = [new Simplex(d), new VertexTable()];
  const { q, order, barycentric } = simplex;
  const corners = new Int32Array(points * (d + 1));
  const weights = new Float32Array(points * (d + 1));
  const [lastKeys, lastIds] = [new Float64Array(d + 1).fill(-1), new Int32Array(d + 1)];
  for (let point = 0, at = 0; point < points; point++) {
    simplex.enclose(features, point * d);
    let key = 0;
    for (let i = 0; i < d; i++) key += stride[i]! * (q[i]! - low[i]!);
    for (let k = 0; k <= d; k++, at++) {
      // Consecutive pixels often share vertices, and then the table is not searched.
      if (key !== lastKeys[k]) {
        lastKeys[k] = key;
        lastIds[k] = table.add(key);
      }
      corners[at] = lastIds[k]!;
      weights[at] = barycentric[k]!;
      key += 1 - stride[order[d - k]!]!;
    }
  }
  return { points, dimensions: d, vertices: table.size, corners, weights, neighbours: neighboursOf(table, stride) };
};

/**
 * The filter's response to a signal of ones at each point, which normalises it. The blur is [1 2 1]/2 along each axis.
 */
export const responseToOnes = ({
  points,
  dimensions,
  vertices: m,
  corners,
  weights,
  neighbours,
}: Lattice): Float64Array => {
  const across = dimensions + 1;
  let mass = new Float64Array(m + 1);
  for (let i = 0; i < corners.length; i++) mass[corners[i]!] = mass[corners[i]!]! + weights[i]!;
  for (let axis = 0; axis < across; axis++) {
    const [forward, backward, blurred] = [2 * axis * m, (2 * axis + 1) * m, new Float64Array(m + 1)];
    for (let v = 0; v < m; v++) {
      blurred[v] = mass[v]! + (mass[neighbours[forward + v]!]! + mass[neighbours[backward + v]!]!) / 2;
    }
    mass = blurred;
  }
  const response = new Float64Array(points);
  for (let point = 0, at = 0; point < points; point++) {
    for (let k = 0; k < across; k++, at++) response[point] = response[point]! + weights[at]! * mass[corners[at]!]!;
  }
  return response;
};
