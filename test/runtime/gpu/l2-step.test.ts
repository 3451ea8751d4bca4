/** The kernels of a step in an L2 ball against their definition. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { between, random } from "../../../src/random.ts";
import { l2Step } from "../../../src/runtime/gpu/steps.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import { reduced, groups, ranges, radii, seeds, floats, greys } from "../../support/kernels/cases.ts";
import { l2Step as l2Definition } from "../../support/kernels/l2-step.ts";

interface L2Values {
  readonly image: Float32Array<ArrayBuffer>;
  readonly centre: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
}

describe.skipIf(!hasGpu)(`l2_step${gpuNote}`, () => {
  const stepped = (
    { image, centre, gradient }: L2Values,
    options: {
      readonly alpha: number;
      readonly epsilon: number;
      readonly pixelRange: readonly [number, number] | null;
    },
    groups?: number,
  ) =>
    withArrays(gpu, async (upload) => {
      const arrays = {
        x: await upload("float32", image),
        centre: await upload("float32", centre),
        gradient: await upload("float32", gradient),
      };
      const step = await l2Step(gpu, { ...arrays, ...options, groups });
      await gpu.run(step);
      const x = await gpu.read(arrays.x);
      step.release();
      return x;
    });

  /** Relative to what is added up: 255 has a unit in the last place of 1.5e-5. */
  const errorOf = (actual: ArrayLike<number>, expected: readonly number[], centre: ArrayLike<number>): number => {
    const errors = expected.map((v, i) => Math.abs(actual[i]! - v) / Math.max(Math.abs(v), Math.abs(centre[i]!), 1));
    return errors.reduce((a, b) => Math.max(a, b));
  };

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
        expect(
          errorOf(await stepped({ image, centre, gradient }, options, groups), expected, centre),
        ).toBeLessThanOrEqual(magnitude < 1e-30 ? 2e-6 : 1e-6);
      },
    );
    await fc.assert(property, { numRuns: 30 });
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
    expect([...(await stepped({ image: Float32Array.of(6, 8), centre, gradient }, options))]).toEqual([3, 4]);
  });
});
