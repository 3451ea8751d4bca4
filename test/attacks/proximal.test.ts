/** Proximity operators against their conditions, by plain loops in float64. */

import { describe, expect, it } from "vitest";
import { imageOf, proxLinfInBox, shrinkage } from "../../src/attacks/proximal.ts";
import { between, normal, random } from "../../src/random.ts";

const normals = (length: number, seed: number, scale = 1): Float32Array => {
  const next = random(seed);
  return Float32Array.from({ length }, () => scale * normal(next));
};

const norms = (x: Float32Array) => ({
  l1: x.reduce((sum, v) => sum + Math.abs(v), 0),
  squares: x.reduce((sum, v) => sum + v * v, 0),
});

/** Σ (|xᵢ| − level)⁺ */
const excess = (x: Float32Array, level: number): number =>
  x.reduce((sum, v) => sum + Math.max(Math.abs(v) - level, 0), 0);

describe("of λ‖·‖∞", () => {
  it.each([1e-6, 0.1, 3, 100])(
    "clips at the level that takes λ = %d from the sizes, wherever the search begins",
    (lambda) => {
      const x = normals(20_001, 1);
      const { scale, level } = shrinkage(x, norms(x), lambda, "linf");
      expect(scale).toBe(1);
      expect(excess(x, level)).toBeCloseTo(lambda, 8);
      for (const guess of [1e-9, 0.5, level, 2 * level, 1e9, Infinity])
        expect(shrinkage(x, norms(x), lambda, "linf", guess).level).toBeCloseTo(level, 12);
    },
  );

  it("is 0 where λ is no less than Σ |xᵢ|, and x itself where λ is 0", () => {
    const x = Float32Array.of(1, -2, 0.5);
    expect(shrinkage(x, norms(x), 3.5, "linf").scale).toBe(0);
    for (const guess of [0, 1, 3, Infinity])
      expect(shrinkage(x, norms(x), 0, "linf", guess)).toEqual({ scale: 1, level: 2 });
  });
});

it("of λ‖·‖₂ shortens by λ", () => {
  const x = Float32Array.of(3, 4);
  expect(shrinkage(x, norms(x), 1, "l2")).toEqual({ scale: 0.8, level: Infinity });
  expect(shrinkage(x, norms(x), 6, "l2").scale).toBe(0);
});

describe("of λ‖·‖∞ in a metric and a box", () => {
  /** By its definition: the bisection over all elements, each step anew. */
  const definition = (
    x: Float32Array,
    lambda: number,
    h: Float32Array,
    low: Float32Array,
    high: Float32Array,
  ): Float32Array => {
    const inside = x.map((v, i) => Math.min(Math.max(v, low[i]!), high[i]!));
    const pull = (level: number) =>
      inside.reduce((sum, v, i) => sum + (Math.abs(v) > level ? h[i]! * (Math.abs(x[i]!) - level) : 0), 0);
    let [below, above] = [0, inside.reduce((top, v) => Math.max(top, Math.abs(v)), 0)];
    if (pull(0) <= lambda) return inside.fill(0);
    while (above - below > 1e-7) {
      const middle = (below + above) / 2;
      if (pull(middle) > lambda) below = middle;
      else above = middle;
    }
    const level = (below + above) / 2;
    return inside.map((v) => Math.min(Math.max(v, -level), level));
  };

  it.each([
    [1, 0.3],
    [7, 2],
    [9000, 1e-4],
    [9000, 5],
    [9000, 2000],
    [9000, 1e9],
  ])("agrees with the bisection over all of %i elements, λ = %d", (length, lambda) => {
    const next = random(length);
    const x = normals(length, 2, 0.1);
    const h = x.map(() => between(next, 0.01, 2));
    const [low, high] = [x.map(() => -0.3 * next()), x.map(() => 0.3 * next())];
    x.set([0, 0.2, -0.2].slice(0, length));
    expect(proxLinfInBox(x, lambda, h, low, high)).toEqual(definition(x, lambda, h, low, high));
  });

  it("agrees where many sizes are equal", () => {
    const x = new Float32Array(5000).map((_, i) => (i % 7) / 10 - 0.3);
    const [h, low, high] = [x.map(() => 1), x.map(() => -0.2), x.map(() => 0.2)];
    for (const lambda of [1e-3, 1, 50, 300])
      expect(proxLinfInBox(x, lambda, h, low, high)).toEqual(definition(x, lambda, h, low, high));
  });
});

it("the image of a perturbation lies in the range of pixels", () => {
  const clean = Float32Array.of(0, 100, 250, 40);
  const delta = Float32Array.of(-0.1, 0.1, 0.1, 0);
  expect([...imageOf(delta, clean, [0, 255], new Float32Array(4))]).toEqual([
    0,
    Math.fround(100 + 255 * delta[1]!),
    255,
    40,
  ]);
  expect(imageOf(delta, clean, null, new Float32Array(4))[2]).toBeCloseTo(275.5, 4);
});
