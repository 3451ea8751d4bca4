/** L2 balls: the projection against its definition, the random start, and PGD on functions with a known optimum. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { project, type PixelRange } from "../../src/attacks/constraint.ts";
import { distanceOf } from "../../src/attacks/norms.ts";
import { uniformStart } from "../../src/attacks/start.ts";
import { random } from "../../src/random.ts";
import { bowl, imageOf, linear } from "./objectives.ts";
import { pgd } from "./named.ts";

const clip: PixelRange = [0, 255];
const grey = fc.oneof(fc.constantFrom(0, 255), fc.float({ min: 0, max: 255, noNaN: true }));
const far = fc.oneof(grey, fc.float({ min: -1e4, max: 1e4, noNaN: true }));
const radius = fc.oneof(fc.constantFrom(1e-6, 0.1, 8), fc.double({ min: 1e-9, max: 2000, noNaN: true }));
const pair = fc.array(fc.tuple(grey, far), { minLength: 3, maxLength: 12 });

const clipped = (v: number, range: PixelRange): number => (range ? Math.min(Math.max(v, range[0]), range[1]) : v);
const length = (values: readonly number[]): number => Math.hypot(...values);

/** clip(c + s·d) with the largest s of at most `most` that keeps the norm within ε, by bisection in float64. */
const furthest = (c: readonly number[], d: readonly number[], epsilon: number, range: PixelRange, most: number) => {
  const at = (s: number) => c.map((v, i) => clipped(v + s * d[i]!, range));
  const reached = (s: number) => length(at(s).map((v, i) => v - c[i]!));
  let [low, high] = [0, most];
  if (reached(most) <= epsilon) return at(most);
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (reached(middle) <= epsilon) low = middle;
    else high = middle;
  }
  return at(low);
};

describe("the projection onto an L2 ball met with the range", () => {
  it("lies in both exactly, and is the nearest point", () => {
    fc.assert(
      fc.property(pair, radius, fc.constantFrom(clip, null), (values, epsilon, pixelRange) => {
        const centre = Float32Array.from(values, ([c]) => c);
        const x = Float32Array.from(values, ([, v]) => v);
        const got = project(x, centre, { epsilon, pixelRange, norm: "l2" });
        expect(distanceOf(got, centre, "l2")).toBeLessThanOrEqual(epsilon);
        for (const v of got) expect(clipped(v, pixelRange) === v).toBe(true);
        const c = [...centre];
        const d = c.map((v, i) => x[i]! - v);
        const nearest = furthest(c, d, epsilon, pixelRange, 1);
        // A float32 of up to 10⁴ is rounded by up to 5e-4; of up to 255, by 8e-6.
        const rounding = pixelRange ? 1e-4 : 2e-3;
        for (const [i, v] of nearest.entries()) expect(Math.abs(got[i]! - v)).toBeLessThanOrEqual(rounding);
      }),
      { numRuns: 500 },
    );
  });

  it("leaves what lies in both as it is, in place too", () => {
    const centre = Float32Array.of(100, 0, 255);
    const x = Float32Array.of(103, 0, 251);
    expect(project(x, centre, { epsilon: 5, pixelRange: clip, norm: "l2" })).toEqual(x);
    const moved = project(x, centre, { epsilon: 2.5, pixelRange: clip, norm: "l2" }, x);
    expect(moved).toBe(x);
    expect([...x]).toEqual([101.5, 0, 253]);
  });

  it("gives the norm that a clipped element leaves over to the others", () => {
    // (300, 4) from (254, 0) in a ball of 5: the first may move by 1, so √24 > 4 stay for the second.
    const got = project(Float32Array.of(300, 4), Float32Array.of(254, 0), {
      epsilon: 5,
      pixelRange: clip,
      norm: "l2",
    });
    expect([...got]).toEqual([255, 4]);
  });
});

it("a random start fills the ball evenly: half of the starts lie in the inner 2^(−1/n) of it", () => {
  const clean = new Float32Array(3).fill(128);
  const constraint = { epsilon: 10, pixelRange: clip, norm: "l2" } as const;
  const next = random(3);
  const starts = Array.from({ length: 4000 }, () => uniformStart(clean, constraint, next));
  const inner = starts.filter((x) => distanceOf(x, clean, "l2") < 10 * 0.5 ** (1 / 3)).length;
  expect(Math.abs(inner / 4000 - 0.5)).toBeLessThan(0.03);
  const mean = [0, 1, 2].map((i) => starts.reduce((sum, x) => sum + x[i]! - 128, 0) / 4000);
  for (const m of mean) expect(Math.abs(m)).toBeLessThan(0.4);
  expect(Math.max(...starts.map((x) => distanceOf(x, clean, "l2")))).toBeGreaterThan(9.9);
});

describe("pgd in L2", () => {
  const w = [3, -0.5, 0, 1, -2, 7];
  const x = [100, 250, 3, 254, 20, 128];

  it.each([0.5, 8, 60])("ends at the maximum of a linear function in ball and range: ε = %d", async (epsilon) => {
    for (const pixelRange of [clip, null]) {
      const expected = furthest(x, w, epsilon, pixelRange, 1e4);
      const { data } = await pgd({ epsilon, pixelRange, norm: "l2", steps: 200, alpha: epsilon / 2 })(
        linear(w),
        imageOf(x),
      );
      const gain = (at: ArrayLike<number>) => w.reduce((sum, v, i) => sum + v * (at[i]! - x[i]!), 0);
      expect(gain(data)).toBeGreaterThan(gain(expected) * (1 - 1e-4));
      expect(distanceOf(data, Float32Array.from(x), "l2")).toBeLessThanOrEqual(epsilon);
    }
  });

  it("comes within a step of an optimum inside the ball", async () => {
    const optimum = x.map((v, i) => v + [3, -2, 1, -1, 0.5, 2][i]!);
    const { data } = await pgd({ epsilon: 8, pixelRange: clip, norm: "l2", alpha: 0.25, steps: 80 })(
      bowl(optimum),
      imageOf(x),
    );
    expect(length(optimum.map((v, i) => data[i]! - v))).toBeLessThanOrEqual(0.25);
  });

  it("takes steps of 2.5 ε/20 by default", async () => {
    const settings = { epsilon: 40, pixelRange: null, norm: "l2", seed: 4 } as const;
    const plain = await pgd(settings)(bowl(x.map((v) => v + 9)), imageOf(x));
    expect(await pgd({ ...settings, alpha: 5, steps: 20 })(bowl(x.map((v) => v + 9)), imageOf(x))).toEqual(plain);
  });
});
