/** The lattice in typed arrays against a naive one, and what holds for any points. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paddedVertices } from "../../src/crf/image-lattice.ts";
import { latticeOf, responseToOnes, type Lattice } from "../../src/crf/permutohedral.ts";
import { VertexTable } from "../../src/crf/vertex-table.ts";
import { normal, random } from "../../src/random.ts";
import { naiveLattice } from "./naive-lattice.ts";
import { largestDifference } from "./support.ts";

const pointsOf = (n: number, d: number, spread: number, seed: number): Float32Array => {
  const next = random(seed);
  return Float32Array.from({ length: n * d }, () => spread * normal(next));
};

const listed = (features: Float32Array, d: number): number[][] =>
  Array.from({ length: features.length / d }, (_, i) => Array.from(features.subarray(i * d, (i + 1) * d)));

/** Splat, blur, slice over the lattice's indices. */
const filterWith = (lattice: Lattice, values: readonly number[]): number[] => {
  const { vertices: m, dimensions: d, corners, weights, neighbours } = lattice;
  let mass = new Float64Array(m + 1);
  for (const [i, v] of corners.entries()) mass[v]! += weights[i]! * values[Math.floor(i / (d + 1))]!;
  for (let axis = 0; axis <= d; axis++) {
    const [a, b] = [2 * axis * m, (2 * axis + 1) * m];
    mass = mass.map((own, v) => (v === m ? 0 : own + (mass[neighbours[a + v]!]! + mass[neighbours[b + v]!]!) / 2));
  }
  return values.map((_, i) => {
    const at = i * (d + 1);
    return weights.subarray(at, at + d + 1).reduce((sum, w, k) => sum + w * mass[corners[at + k]!]!, 0);
  });
};

describe("the lattice of points", () => {
  it.each([
    [2, 60, 1],
    [5, 60, 1],
    [5, 40, 0.2],
    [5, 40, 30],
    [3, 50, 3],
    [1, 30, 2],
  ])("of %d dimensions filters %d points spread by %d as the naive one does", (d, n, spread) => {
    for (const seed of [1, 2, 3]) {
      const features = pointsOf(n, d, spread, seed);
      const [lattice, naive] = [latticeOf(features, d), naiveLattice(listed(features, d))];
      expect(naive.fault).toBeLessThan(1e-9);
      expect(lattice.vertices).toBe(naive.vertices);
      const next = random(seed + 10);
      const values = Array.from({ length: n }, () => normal(next));
      expect(largestDifference(filterWith(lattice, values), naive.filter(values))).toBeLessThan(1e-5);
      const ones = values.map(() => 1);
      expect(largestDifference(responseToOnes(lattice), naive.filter(ones))).toBeLessThan(1e-4);
    }
  });

  const features = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 12 }), fc.constantFrom(1e-6, 0.1, 1, 20, 300))
    .chain(([d, n, spread]) =>
      fc
        .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n * d, maxLength: n * d })
        .map((values) => ({ d, n, values: Float32Array.from(values, (v) => spread * v) })),
    );

  it("has barycentric weights that add up to 1, and neighbours that are each other's", () => {
    fc.assert(
      fc.property(features, ({ d, n, values }) => {
        const { vertices, corners, weights, neighbours } = latticeOf(values, d);
        for (let i = 0; i < n; i++) {
          const own = weights.subarray(i * (d + 1), (i + 1) * (d + 1));
          expect(own.every((w) => w >= -1e-5)).toBe(true);
          expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
          expect(new Set(corners.subarray(i * (d + 1), (i + 1) * (d + 1))).size).toBe(d + 1);
        }
        for (let axis = 0; axis <= d; axis++) {
          for (let v = 0; v < vertices; v++) {
            const next = neighbours[2 * axis * vertices + v]!;
            const back = next < vertices ? neighbours[(2 * axis + 1) * vertices + next] : v;
            expect([next <= vertices, back]).toEqual([true, v]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is of one simplex where all points are one", () => {
    const { vertices, corners } = latticeOf(new Float32Array(5 * 100).fill(0.3), 5);
    expect(vertices).toBe(6);
    expect(new Set(corners)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  it("is refused where its points are not finite, or too far apart for the numbers of its vertices", () => {
    expect(() => latticeOf(Float32Array.of(0, Number.NaN), 2)).toThrow("not a finite number");
    expect(() => latticeOf(Float32Array.of(0, Infinity), 2)).toThrow("not a finite number");
    const far = Float32Array.of(0, 0, 0, 0, 0, 1e4, 1e4, 1e4, 1e4, 1e4);
    expect(() => latticeOf(far, 5)).toThrow("more than can be numbered");
  });
});

describe("the table of vertices", () => {
  it("numbers keys in the order in which they come, whatever they are", () => {
    const next = random(5);
    const [table, known] = [new VertexTable(), new Map<number, number>()];
    for (let i = 0; i < 20_000; i++) {
      const key = Math.floor(next() ** 3 * (i % 2 === 0 ? 2 ** 53 : 20_000));
      expect(table.find(key)).toBe(known.get(key) ?? -1);
      if (!known.has(key)) known.set(key, known.size);
      expect(table.add(key)).toBe(known.get(key));
    }
    expect(Array.from(table.keys)).toEqual([...known.keys()]);
  });
});

it("pads the number of vertices by at most 12 %, or one, beyond the one for those that are missing", () => {
  for (let vertices = 6; vertices < 3e5; vertices = Math.ceil(1.01 * vertices)) {
    const padded = paddedVertices(vertices);
    expect(padded).toBeGreaterThan(vertices);
    expect(padded).toBeLessThanOrEqual(Math.max(8, 1.12 * vertices + 2));
    expect(paddedVertices(padded - 1)).toBe(padded);
  }
});
