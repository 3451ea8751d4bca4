/** The kernel that measures perturbations against the metrics. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distances } from "../../../src/metrics/distances.ts";
import { between, chance, random } from "../../../src/random.ts";
import { perturbationStats } from "../../../src/runtime/gpu/steps.ts";
import { tensor } from "../../../src/tensor.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import { reduced, groups, seeds, greys } from "../../support/kernels/cases.ts";

describe.skipIf(!hasGpu)(`perturbation_stats${gpuNote}`, () => {
  it("counts exactly, and equals the metrics' norms", async () => {
    const channels = fc.constantFrom(1, 3);
    const property = fc.asyncProperty(reduced, channels, seeds, groups, async (pixels, channels, seed, groups) => {
      const next = random(seed);
      const a = greys(next, channels * pixels);
      const b = a.map((v) => (chance(next, 0.5) ? v : v + between(next, -9, 9)));
      const measured = await withArrays(gpu, async (upload) => {
        const stats = await perturbationStats(gpu, {
          a: await upload("float32", a),
          b: await upload("float32", b),
          channels,
          groups,
        });
        await gpu.run(stats);
        const [result] = await stats.read();
        stats.release();
        return result!;
      });
      const shape = [channels, 1, pixels];
      const { linf, l2, l0Values, l0Pixels } = distances(tensor("float32", shape, a), tensor("float32", shape, b));
      expect(measured).toMatchObject({ l0Values, l0Pixels });
      expect(Math.abs(measured.linf - linf)).toBeLessThanOrEqual(1e-6 * linf);
      expect(Math.abs(measured.l2 - l2)).toBeLessThanOrEqual(1e-6 * l2);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it("tells subnormal differences, and not 0 from −0", async () => {
    const measured = await withArrays(gpu, async (upload) => {
      const a = await upload("float32", Float32Array.of(0, 0, 1e-44, 7));
      const b = await upload("float32", Float32Array.of(-0, 1e-45, 2e-44, 7));
      const stats = await perturbationStats(gpu, { a, b, channels: 2 });
      await gpu.run(stats);
      return (await stats.read())[0];
    });
    expect(measured).toMatchObject({ l0Values: 2, l0Pixels: 2 });
  });
});
