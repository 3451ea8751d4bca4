/** The kernels of APGD's step and of the look-ahead of a step with momentum, against their definitions. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { project } from "../../../src/attacks/constraint.ts";
import { between, pick, random } from "../../../src/random.ts";
import { GpuError } from "../../../src/runtime/gpu/error.ts";
import { apgdStep, lookAhead, packedMoves } from "../../../src/runtime/gpu/steps.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import {
  sizes,
  groups,
  ranges,
  radii,
  seeds,
  floats,
  greys,
  gradients,
  differing,
  endsOf,
} from "../../support/kernels/cases.ts";

describe.skipIf(!hasGpu)(`apgd_step${gpuNote}`, () => {
  it("is APGD's step, the first of a stage bit for bit and others to float32's rounding, and keeps where it started", async () => {
    const property = fc.asyncProperty(
      sizes,
      seeds,
      radii,
      ranges,
      groups,
      async (n, seed, radius, pixelRange, groups) => {
        const next = random(seed);
        const epsilon = Math.fround(radius);
        const [image, gradient] = [greys(next, n), gradients(next, n)];
        const ball = { epsilon, pixelRange };
        const [low, high] = endsOf(image, ball);
        const inBall = () =>
          project(
            image.map((v) => v + between(next, -epsilon, epsilon)),
            image,
            ball,
          );
        const [x, previous] = [inBall(), inBall()];
        const size = Math.fround(epsilon * pick(next, [2, 1, 0.25]));
        const z = project(
          x.map((v, i) => v + size * Math.sign(gradient[i]!)),
          image,
          ball,
        );
        const mixed = x.map((v, i) => v + 0.75 * (z[i]! - v) + 0.25 * (v - previous[i]!));
        const [first, later] = await withArrays(gpu, async (upload) => {
          const still = {
            gradient: await upload("float32", gradient),
            steepest: await upload("float32", image),
            low: await upload("float32", low),
            high: await upload("float32", high),
          };
          const stepped = async (isFirst: boolean) => {
            const arrays = { x: await upload("float32", x), previous: await upload("float32", previous) };
            const moves = await upload("uint32", packedMoves([{ size, isFirst }]));
            const step = await apgdStep(gpu, { ...arrays, ...still, moves, groups });
            await gpu.run(step);
            step.release();
            expect(differing(await gpu.read(arrays.previous), x)).toBe(0);
            return gpu.read(arrays.x);
          };
          return [await stepped(true), await stepped(false)] as const;
        });
        expect(differing(first, z)).toBe(0);
        project(mixed, image, ball).forEach((v, i) => expect(Math.abs(later[i]! - v)).toBeLessThanOrEqual(2 ** -14));
      },
    );
    await fc.assert(property, { numRuns: 20 });
  });
});

describe.skipIf(!hasGpu)(`look_ahead${gpuNote}`, () => {
  it("is x + scale·m to float32's rounding, and refuses arrays of another length", async () => {
    const next = random(11);
    const [image, momentum] = [greys(next, 700), floats(700, () => between(next, -1, 1) / 700)];
    const scale = 0.7 * 700;
    const actual = await withArrays(gpu, async (upload) => {
      const [x, m] = [await upload("float32", image), await upload("float32", momentum)];
      const ahead = await upload("float32", new Float32Array(700));
      const short = await upload("float32", new Float32Array(699));
      await expect(lookAhead(gpu, { x, m: short, scales: [scale], ahead })).rejects.toThrow(GpuError);
      const launch = await lookAhead(gpu, { x, m, scales: [scale], ahead, groups: 2 });
      await gpu.run(launch);
      launch.release();
      return gpu.read(ahead);
    });
    // Half a unit in the last place below 256, and the rounding of the product.
    image.forEach((v, i) =>
      expect(Math.abs(actual[i]! - (v + scale * momentum[i]!))).toBeLessThanOrEqual(2 ** -17 + 2 ** -23),
    );
  });
});
