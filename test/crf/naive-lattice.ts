/**
 * Filtering on the permutohedral lattice, written from the paper without the code that it checks: coordinates in all d + 1
 * dimensions, a basis in place of the recurrence, vertices by name in a Map.
 */

type Point = readonly number[];

const dot = (a: Point, b: Point): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** Orthonormal basis of the hyperplane Σ xᵢ = 0: bⱼ ∝ (1 … 1, −j, 0 … 0) with j ones. */
const basis = (d: number): Point[] =>
  Array.from({ length: d }, (_, at) => {
    const j = at + 1;
    return Array.from({ length: d + 1 }, (__, i) => (i < j ? 1 : i === j ? -j : 0) / Math.sqrt(j * (j + 1)));
  });

const elevate = (features: Point): Point => {
  const d = features.length;
  const scale = (d + 1) * Math.sqrt(2 / 3);
  return Array.from({ length: d + 1 }, (_, i) => scale * basis(d).reduce((sum, b, j) => sum + features[j]! * b[i]!, 0));
};

/** The closest point of (d+1)·Aₙ (Conway and Sloane, Sphere Packings, 20.3): round, then mend the sum where it costs least. */
const closest = (x: Point): number[] => {
  const size = x.length;
  const rounded = x.map((v) => size * Math.round(v / size));
  let surplus = rounded.reduce((a, b) => a + b, 0) / size;
  const errors = x.map((v, i) => ({ i, error: v - rounded[i]! })).toSorted((a, b) => a.error - b.error);
  for (let at = 0; surplus > 0; at++, surplus--) rounded[errors[at]!.i]! -= size;
  for (let at = size - 1; surplus < 0; at--, surplus++) rounded[errors[at]!.i]! += size;
  return rounded;
};

/** The vertices of the simplex that holds x and the barycentric coordinates of x in it, from the definition x = Σ b·v. */
const locate = (x: Point): { vertex: Point; weight: number }[] => {
  const [size, origin] = [x.length, closest(x)];
  const order = x.map((_, i) => i).toSorted((a, b) => x[b]! - origin[b]! - (x[a]! - origin[a]!));
  const y = order.map((axis) => (x[axis]! - origin[axis]!) / size);
  // Vertex k adds k to all axes, and takes d + 1 off the k that come last.
  return order.map((_, k) => {
    const last = new Set(order.slice(size - k));
    const vertex = origin.map((v, i) => v + k - (last.has(i) ? size : 0));
    const weight = k === 0 ? 1 - (y[0]! - y[size - 1]!) : y[size - k - 1]! - y[size - k]!;
    return { vertex, weight };
  });
};

export interface NaiveLattice {
  readonly vertices: number;
  /** Splat, [1 2 1]/2 along each axis, slice; not normalised. */
  readonly filter: (values: readonly number[]) => number[];
  /** The largest |x − Σ b·v|, and the least weight. */
  readonly fault: number;
}

export const naiveLattice = (features: readonly Point[]): NaiveLattice => {
  const [d, points] = [features[0]!.length, features.map((f) => locate(elevate(f)))];
  const vertices = new Map(points.flat().map(({ vertex }) => [vertex.join(), vertex]));
  const filter = (values: readonly number[]): number[] => {
    let mass = new Map<string, number>();
    for (const [i, corners] of points.entries()) {
      for (const { vertex, weight } of corners)
        mass.set(vertex.join(), (mass.get(vertex.join()) ?? 0) + weight * values[i]!);
    }
    for (let axis = 0; axis <= d; axis++) {
      const shifted = (vertex: Point, sign: number): string =>
        vertex.map((v, i) => v + sign * (i === axis ? -d : 1)).join();
      mass = new Map(
        [...vertices].map(([name, vertex]) => {
          const around = (mass.get(shifted(vertex, 1)) ?? 0) + (mass.get(shifted(vertex, -1)) ?? 0);
          return [name, mass.get(name)! + around / 2];
        }),
      );
    }
    return points.map((corners) =>
      corners.reduce((sum, { vertex, weight }) => sum + weight * mass.get(vertex.join())!, 0),
    );
  };
  const faults = points.flatMap((corners, i) => {
    const x = elevate(features[i]!);
    const met = x.map((_, axis) =>
      dot(
        corners.map((c) => c.weight),
        corners.map((c) => c.vertex[axis]!),
      ),
    );
    return [...x.map((v, axis) => Math.abs(v - met[axis]!)), ...corners.map((c) => Math.max(0, -c.weight))];
  });
  return { vertices: vertices.size, filter, fault: Math.max(...faults) };
};
