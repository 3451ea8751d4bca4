/** Attacks on objectives whose optimum in the ball is known in closed form. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PixelRange } from "../../src/attacks/constraint.ts";
import { paperSteps } from "../../src/attacks/paper-steps.ts";
import { bowl, imageOf, linear } from "./objectives.ts";
import { fgsm, ifgsm, pgd, type Named } from "./named.ts";

/** Float32 rounding at 255. */
const ROUNDING = 1e-5;
const clip: PixelRange = [0, 255];

const w = [3, -0.5, 0, 1e-20, -1e20, 0, 7, -7, 2];
const x = [0, 0, 0, 255, 255, 255, 128, 128, 0.25];

/** The maximum of ⟨w, ·⟩ over the ball and the range, given that components without gradient stay. */
const best = (epsilon: number, [low, high] = [-Infinity, Infinity] as readonly [number, number]) =>
  x.map((v, i) => Math.min(Math.max(v + epsilon * Math.sign(w[i]!), low), high));

/** The largest difference from what is expected. */
const gapOf = (actual: Float32Array, expected: readonly number[]): number =>
  expected.reduce((worst, v, i) => Math.max(worst, Math.abs(actual[i]! - v)), 0);

describe("on a linear objective", () => {
  const radii = [0.25, 0.5, 0.7, 1, 2.5, 8, 32, 300];

  it.each(radii)("fgsm and ifgsm end at x + ε·sign(w), clipped: ε = %d", async (epsilon) => {
    for (const pixelRange of [clip, null]) {
      const expected = best(epsilon, pixelRange ?? undefined);
      const single = await fgsm({ epsilon, pixelRange })(linear(w), imageOf(x));
      // n(ε) steps of 1 reach the boundary of the ball where n(ε) ≥ ε, which holds at every ε.
      const iterative = await ifgsm({ epsilon, pixelRange })(linear(w), imageOf(x));
      expect(gapOf(single.data, expected)).toBeLessThanOrEqual(ROUNDING);
      expect(gapOf(iterative.data, expected)).toBeLessThanOrEqual(ROUNDING);
    }
  });

  it.each([
    { epsilon: 8, alpha: 2, steps: 4 },
    { epsilon: 8, alpha: 100, steps: 1 },
    { epsilon: 1, alpha: 0.3, steps: 4 },
    { epsilon: 5, alpha: 0.75, steps: 7 },
  ])("any step that reaches the boundary ends there: %o", async (options) => {
    const { data } = await ifgsm({ ...options, pixelRange: clip })(linear(w), imageOf(x));
    expect(gapOf(data, best(options.epsilon, clip))).toBeLessThanOrEqual(ROUNDING);
  });

  it("fewer steps end at x + n·α·sign(w)", async () => {
    const attack = ifgsm({ epsilon: 8, alpha: 0.5, steps: 3, pixelRange: clip });
    expect(gapOf((await attack(linear(w), imageOf(x))).data, best(1.5, clip))).toBeLessThanOrEqual(ROUNDING);
  });

  it.each([0.5, 2, 8])(
    "pgd ends there too once n·α ≥ 2ε, and where there is no gradient in the ball: ε = %d",
    async (epsilon) => {
      for (const pixelRange of [clip, null]) {
        const attack = pgd({ epsilon, pixelRange, seed: 3, alpha: epsilon / 4, steps: 8 });
        const { data } = await attack(linear(w), imageOf(x));
        const expected = best(epsilon, pixelRange ?? undefined);
        for (const [i, v] of expected.entries()) {
          const away = w[i] === 0 ? epsilon : 0; // its random start
          expect(Math.abs(data[i]! - v)).toBeLessThanOrEqual(away + ROUNDING);
        }
      }
    },
  );

  it("a random start is kept where there is no gradient, and differs from pixel to pixel", async () => {
    const flat = linear(x.map(() => 0));
    const { data } = await pgd({ epsilon: 4, pixelRange: null, seed: 1, steps: 3 })(flat, imageOf(x));
    const offsets = x.map((v, i) => data[i]! - v);
    expect(new Set(offsets).size).toBe(x.length);
    expect(offsets.some((o) => o > 1)).toBe(true);
    expect(offsets.some((o) => o < -1)).toBe(true);
  });

  it("components without gradient do not move", async () => {
    const { data } = await ifgsm({ epsilon: 8, pixelRange: null })(
      linear([0, 0, 1, 0, -0, 0]),
      imageOf([1, 2, 3, 4, 5, 6]),
    );
    expect([...data]).toEqual([1, 2, 11, 4, 5, 6]);
  });
});

/** Any attack, with any options. */
const options = fc.record({
  epsilon: fc.double({ min: 0.01, max: 300, noNaN: true }),
  alpha: fc.double({ min: 0.01, max: 40, noNaN: true }),
  steps: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer(),
  pixelRange: fc.constantFrom<PixelRange>([0, 255], null),
});
type Options = typeof options extends fc.Arbitrary<infer T> ? T : never;

const attacks: readonly (readonly [string, (o: Options) => Named])[] = [
  ["fgsm", fgsm],
  ["ifgsm", ifgsm],
  ["pgd", pgd],
];

const pixels = fc.array(fc.oneof(fc.constantFrom(0, 255), fc.integer({ min: 0, max: 255 })), {
  minLength: 6,
  maxLength: 6,
});
const gradients = fc.array(fc.oneof(fc.constant(0), fc.double({ min: -1e9, max: 1e9, noNaN: true })), {
  minLength: 6,
  maxLength: 6,
});

describe.each(attacks)("%s", (_, make) => {
  it("stays in the ball and in the range, and leaves the image alone", async () => {
    await fc.assert(
      fc.asyncProperty(options, pixels, gradients, async (o, values, g) => {
        const image = imageOf(values);
        const result = await make(o)(() => Promise.resolve({ gradient: imageOf(g), value: 0 }), image);
        for (const [i, v] of result.data.entries()) {
          expect(Math.abs(v - values[i]!)).toBeLessThanOrEqual(o.epsilon);
          if (!o.pixelRange) continue;
          expect(v).toBeGreaterThanOrEqual(0);
          expect(v).toBeLessThanOrEqual(255);
        }
        expect(image.data).toEqual(imageOf(values).data);
        expect(result.data.buffer).not.toBe(image.data.buffer);
        expect(result.shape).toEqual(image.shape);
      }),
      { numRuns: 200 },
    );
  });

  it("gives the same again", async () => {
    await fc.assert(
      fc.asyncProperty(options, pixels, gradients, async (o, values, c) => {
        const run = () => make(o)(bowl(c), imageOf(values));
        expect(await run()).toEqual(await run());
      }),
      { numRuns: 30 },
    );
  });
});

describe("the identities of the paper", () => {
  it("ifgsm is fgsm bit by bit at ε ≤ 0.5, on any objective", async () => {
    const small = fc.double({ min: 1e-3, max: 0.5, noNaN: true });
    await fc.assert(
      fc.asyncProperty(small, options, pixels, gradients, async (epsilon, { pixelRange }, values, c) => {
        const ball = { epsilon, pixelRange };
        expect(await ifgsm(ball)(bowl(c), imageOf(values))).toEqual(await fgsm(ball)(bowl(c), imageOf(values)));
      }),
      { numRuns: 200 },
    );
  });

  it("n(ε) = max(⌈min(ε + 4, 1.25 ε)⌉, 1)", () => {
    expect([0.25, 0.5, 1, 2, 4, 8, 16, 32].map(paperSteps)).toEqual([1, 1, 2, 3, 5, 10, 20, 36]);
  });
});

describe("on a quadratic with its optimum inside the ball", () => {
  const centre = [100, 50, 200, 10, 20, 30];
  const optimum = centre.map((v, i) => v + [3, -3, 2, -1, 0.5, 4][i]!);
  const gap = (data: Float32Array) => Math.hypot(...optimum.map((v, i) => data[i]! - v));

  it("iterative and random-start attacks come within a step of it, a single step overshoots", async () => {
    const ball = { epsilon: 8, pixelRange: clip };
    const run = async (attack: Named) => gap((await attack(bowl(optimum), imageOf(centre))).data);
    const single = await run(fgsm(ball));
    const alpha = 0.25;
    expect(await run(ifgsm({ ...ball, alpha, steps: 40 }))).toBeLessThanOrEqual(alpha * Math.sqrt(6));
    expect(await run(pgd({ ...ball, alpha, steps: 80, seed: 1 }))).toBeLessThanOrEqual(alpha * Math.sqrt(6));
    expect(single).toBeGreaterThan(10);
  });

  it("a smaller step comes closer", async () => {
    const run = async (alpha: number) =>
      gap((await ifgsm({ epsilon: 8, pixelRange: clip, alpha, steps: 200 })(bowl(optimum), imageOf(centre))).data);
    expect(await run(0.07)).toBeLessThan((await run(0.7)) / 2);
  });
});
