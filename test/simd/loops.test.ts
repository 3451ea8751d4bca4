/** Each loop against its definition, for lengths that are no multiple of a vector or of a piece. */

import { describe, expect, it } from "vitest";
import { adam, noMoments } from "../../src/attacks/moments.ts";
import { project } from "../../src/attacks/constraint.ts";
import { between, normal, normals, random } from "../../src/random.ts";

const lengths = [1, 2, 3, 4, 5, 7, 31, 8191, 8192, 8193, 20_001];

const drawn = (length: number, seed: number, low: number, high: number): Float32Array => {
  const next = random(seed);
  return Float32Array.from({ length }, () => between(next, low, high));
};

describe.each(lengths)("vectors of %i values", (length) => {
  it.each([
    [8, true],
    [7.3, true],
    [0.1, false],
    [1e-7, true],
    [Infinity, true],
  ])("are projected onto the ball of radius %d", (epsilon, clips) => {
    const [x, centre] = [drawn(length, 1, -20, 275), drawn(length, 2, 0, 255)];
    centre.set([0, 255, -0].slice(0, length));
    x.set([1e-38, NaN, -1e-38].slice(0, length));
    const pixelRange = clips ? ([0, 255] as const) : null;
    const z = project(x, centre, { epsilon, pixelRange });
    const isRight = (v: number, c: number, to: number): boolean => {
      if (Number.isNaN(v)) return Number.isNaN(to);
      const [low, high] = clips ? [Math.max(c - epsilon, 0), Math.min(c + epsilon, 255)] : [c - epsilon, c + epsilon];
      const nearest = Math.min(Math.max(v, low), high);
      // Inside, and no farther from the nearest point than a float32's neighbour.
      const far = Math.abs(to - nearest) > 2 ** -23 * Math.max(Math.abs(nearest), 2 ** -120);
      return to - c <= epsilon && c - to <= epsilon && !far;
    };
    expect([...x.keys()].filter((i) => !isRight(x[i]!, centre[i]!, z[i]!))).toEqual([]);
  });

  it("take the steps of Adam", () => {
    const gradients = [drawn(length, 3, -1e-3, 1e-3), drawn(length, 4, -5, 5), new Float32Array(length)];
    let moments = noMoments(length);
    const [m, v, steps] = [new Float32Array(length), new Float32Array(length), new Float32Array(length)];
    for (const [k, gradient] of gradients.entries()) {
      const { moments: updated, step } = adam(moments, gradient);
      for (let i = 0; i < length; i++) {
        const g = gradient[i]!;
        m[i] = 0.9 * m[i]! + (1 - 0.9) * g;
        v[i] = 0.999 * v[i]! + (1 - 0.999) * g * g;
        const metric = Math.fround(Math.sqrt(v[i]! * (1 / (1 - 0.999 ** (k + 1)))) + 1e-8);
        steps[i] = (m[i]! * (1 / (1 - 0.9 ** (k + 1)))) / metric;
      }
      expect(step).toEqual(steps);
      expect(updated).toEqual({ mean: m, square: v, count: k + 1 });
      moments = updated;
    }
  });

  it("are normal numbers, those of single draws", () => {
    const next = random(9);
    const expected = Float32Array.from({ length }, () => normal(next));
    const got = normals(random(9), length);
    const farthest = Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)));
    expect(farthest).toBeLessThan(1e-6);
    expect(got.filter((value, i) => value !== expected[i]).length).toBeLessThan(1 + length / 1000);
  });
});

it("draws of normal numbers leave the source where single draws leave it, and take its extremes", () => {
  const [single, together] = [random(5), random(5)];
  for (let i = 0; i < 10; i++) normal(single);
  normals(together, 10);
  expect(together()).toBe(single());
  const extremes = [0, 0, 1 - 2 ** -32, 0, 1 - 2 ** -32, 0.5, 0.5, 0.25];
  const given = extremes[Symbol.iterator]();
  const [first, second, third, fourth] = normals(() => given.next().value!, 4);
  expect(Math.abs(first!)).toBe(0);
  expect(second).toBe(Math.fround(Math.sqrt(-2 * Math.log(2 ** -32))));
  expect(third).toBe(-second!);
  expect(fourth).toBeCloseTo(0, 12);
});
