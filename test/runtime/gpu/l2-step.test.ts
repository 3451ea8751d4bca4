/** The kernels of a step in an L2 ball against their definition, and against the attacks' own step. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distanceOf } from "../../../src/attacks/norms.ts";
import { project } from "../../../src/attacks/constraint.ts";
import { alongUnit } from "../../../src/attacks/rules/l2.ts";
import { between, chance, normal, random } from "../../../src/random.ts";
import { ballRounds, l2Step } from "../../../src/runtime/gpu/l2.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import { floats, greys, groups, radii, ranges, reduced, seeds } from "../../support/kernels/cases.ts";
import { l2Step as l2Definition } from "../../support/kernels/l2-step.ts";

interface L2Values {
  readonly image: Float32Array<ArrayBuffer>;
  readonly centre: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
}

interface L2Options {
  readonly alpha: number;
  readonly epsilon: number;
  readonly pixelRange: readonly [number, number] | null;
}

const clip = [0, 255] as const;

/** The image after one step on the GPU. */
const stepped = ({ image, centre, gradient }: L2Values, options: L2Options, groups?: number) =>
  withArrays(gpu, async (upload) => {
    const arrays = {
      x: await upload("float32", image),
      centre: await upload("float32", centre),
      gradient: await upload("float32", gradient),
    };
    const step = await l2Step(gpu, { ...arrays, balls: [options], groups });
    await gpu.run(step);
    const x = await gpu.read(arrays.x);
    step.release();
    return x;
  });

/** The same by the attacks' own rule. */
const byRule = ({ image, centre, gradient }: L2Values, { alpha, ...ball }: L2Options): Float32Array =>
  project(alongUnit(gradient, alpha, image, new Float32Array(image.length)), centre, { ...ball, norm: "l2" });

/**
 * How far, in L2, float32 may put the image from the rule's: a unit in the last place of each value, and what rounding moves t by.
 * ‖clip(…)‖²/ε² rises by 2φ·Δt/t where values that are free have the share φ of it, so that a sum which is wrong by η moves t by η/2φ of
 * itself, and the image by ε·η/2√φ. η is four roundings.
 */
const roundingOf = (expected: Float32Array, centre: Float32Array, epsilon: number): number => {
  const isFree = (v: number) => v > 0 && v < 255;
  const free = expected.reduce((sum, v, i) => sum + (isFree(v) ? (v - centre[i]!) ** 2 : 0), 0);
  return 2 ** -16 * Math.sqrt(expected.length) + (free > 0 ? (epsilon ** 2 * 2 ** -22) / (2 * Math.sqrt(free)) : 0);
};

/** Relative to what is added up: 255 has a unit in the last place of 1.5e-5. */
const errorOf = (actual: ArrayLike<number>, expected: readonly number[], centre: ArrayLike<number>): number => {
  const errors = expected.map((v, i) => Math.abs(actual[i]! - v) / Math.max(Math.abs(v), Math.abs(centre[i]!), 1));
  return errors.reduce((a, b) => Math.max(a, b));
};

describe.skipIf(!hasGpu)(`l2_step${gpuNote}`, () => {
  it("equals its definition, for gradients of any magnitude", async () => {
    const magnitudes = fc.constantFrom(1e-34, 1e-24, 1e-12, 1, 1e12);
    const property = fc.asyncProperty(
      reduced,
      seeds,
      radii,
      radii,
      ranges,
      magnitudes,
      groups,
      async (n, seed, epsilon, alpha, pixelRange, magnitude, groups) => {
        const next = random(seed);
        const centre = greys(next, n);
        const inside = between(next, 0, 1) * (epsilon / Math.sqrt(n));
        const image = centre.map((v) => v + inside * (2 * next() - 1));
        const gradient = floats(n, () => magnitude * between(next, -1, 1));
        const options = { alpha: Math.fround(alpha), epsilon: Math.fround(epsilon), pixelRange };
        const expected = l2Definition({ x: image, centre, gradient, ...options });
        const actual = await stepped({ image, centre, gradient }, options, groups);
        // Of the smallest magnitude the squares have few bits left.
        expect(errorOf(actual, expected, centre)).toBeLessThanOrEqual(magnitude < 1e-30 ? 2e-6 : 1e-6);
      },
    );
    await fc.assert(property, { numRuns: 15 });
  });

  it("is the attacks' own step to float32's rounding, where many values lie at the ends of the range or near", async () => {
    const property = fc.asyncProperty(reduced, seeds, groups, async (n, seed, groups) => {
      const next = random(seed);
      const [saturated, near] = [next(), 10 ** between(next, -3, 1.5)];
      const end = () => (chance(next, 0.5) ? near * next() : 255 - near * next());
      const ends = () => (chance(next, 0.5) ? 0 : 255);
      const centre = greys(next, n).map((v) =>
        chance(next, saturated) ? ends() : chance(next, saturated) ? end() : v,
      );
      const epsilon = Math.fround(10 ** between(next, -1, 1) * Math.sqrt(n));
      const options = { epsilon, alpha: Math.fround(epsilon * 10 ** between(next, -2, 1)), pixelRange: clip };
      const gradients = [1, 2].map(() => floats(n, () => normal(next) * 10 ** between(next, -3, 0)));
      const image = byRule({ image: centre, centre, gradient: gradients[0]! }, options) as Float32Array<ArrayBuffer>;
      const values = { image, centre, gradient: gradients[1]! };
      const [actual, expected] = [await stepped(values, options, groups), byRule(values, options)];
      const rounding = roundingOf(expected, centre, epsilon);
      expect(distanceOf(actual, expected, "l2")).toBeLessThanOrEqual(rounding);
      expect(distanceOf(actual, centre, "l2")).toBeLessThanOrEqual(epsilon + rounding);
    });
    await fc.assert(property, { numRuns: 15 });
  });

  /**
   * The slope of ‖clip(…)‖² as a function of t² is halved at each of forty points: Newton's method takes half as many rounds as lie
   * below t².
   */
  const halving = (squared: number) => {
    const [count, alpha] = [40, 200];
    const gradient = floats(count, (i) => alpha * Math.sqrt(2 ** -(i + 1)));
    const rooms = gradient.map((v, i) => v * Math.sqrt((i + 1) / count));
    const centre = rooms.map((v) => 255 - v);
    const epsilon = Math.fround(Math.hypot(...rooms.map((v, i) => Math.min(v, Math.sqrt(squared) * gradient[i]!))));
    return { values: { image: centre, centre, gradient }, options: { epsilon, alpha, pixelRange: clip } };
  };

  /** Where 600 values end at 255 and take all of the ball but `share`, which is left to the others. */
  const clipped = (share: number) => {
    const centre = floats(700, (i) => (i % 7 > 0 ? 254 : 100));
    const gradient = floats(700, (i) => (i % 7 > 0 ? 1 : 1e-4));
    const epsilon = Math.fround(Math.sqrt(600 * (1 + share)));
    return { values: { image: centre, centre, gradient }, options: { epsilon, alpha: 1e5, pixelRange: clip } };
  };

  it.each([
    ["four values meet the range", halving(0.1)],
    ["ten", halving(0.25)],
    ["twenty", halving(0.5)],
    ["thirty-eight of forty", halving(0.95)],
    ["a tenth of the ball is left to what is free", clipped(0.1)],
    ["a ten-thousandth", clipped(1e-4)],
  ])("is the attacks' own step to float32's rounding: %s", async (_, { values, options }) => {
    const [actual, expected] = [await stepped(values, options), byRule(values, options)];
    const rounding = roundingOf(expected, values.centre, options.epsilon);
    expect(distanceOf(actual, expected, "l2")).toBeLessThanOrEqual(rounding);
  });

  it("gives the norm that a clipped value leaves over to the others", async () => {
    // (300, 4) from (254, 0) in a ball of 5: the first may move by 1, so √24 > 4 stay for the second; in one of 3, √8.
    const [centre, gradient] = [Float32Array.of(254, 0), Float32Array.of(46, 4)];
    const at = (epsilon: number) =>
      stepped({ image: centre, centre, gradient }, { alpha: Math.hypot(46, 4), epsilon, pixelRange: clip });
    expect(errorOf(await at(5), [255, 4], centre)).toBeLessThanOrEqual(1e-6);
    expect(errorOf(await at(3), [255, Math.sqrt(8)], centre)).toBeLessThanOrEqual(1e-6);
  });

  it("small gradients beside large ones count for what they are", async () => {
    const centre = new Float32Array(4);
    const gradient = Float32Array.of(3, 1e-30, -4, 1e-14);
    const actual = await stepped({ image: centre, centre, gradient }, { alpha: 5, epsilon: 2.5, pixelRange: null });
    expect(errorOf(actual, [1.5, 0, -2, 0], centre)).toBeLessThanOrEqual(1e-6);
  });

  it("a gradient of zeros moves nothing that is in the ball, and what is not, back", async () => {
    const [centre, gradient] = [new Float32Array(2), new Float32Array(2)];
    const options = { alpha: 1, epsilon: 5, pixelRange: null };
    expect([...(await stepped({ image: Float32Array.of(3, 4), centre, gradient }, options))]).toEqual([3, 4]);
    const back = await stepped({ image: Float32Array.of(6, 8), centre, gradient }, options);
    expect(errorOf(back, [3, 4], centre)).toBeLessThanOrEqual(1e-6);
  });
});

describe("ballRounds", () => {
  it.each([
    { alpha: 0.125, epsilon: 1 },
    { alpha: -8, epsilon: 8 },
    { alpha: 1000, epsilon: 0.5 },
  ])("makes the interval as short as float32 resolves the smallest t that can be: %o", (ball) => {
    const least = ball.epsilon / (ball.epsilon + Math.abs(ball.alpha));
    expect(7 ** -ballRounds(ball)).toBeLessThanOrEqual(2 ** -24 * least);
    expect(7 ** (1 - ballRounds(ball))).toBeGreaterThan(2 ** -24 * least);
  });
});
