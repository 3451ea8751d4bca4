/** The kernel of a sign step, plain and with momentum, against the attacks' own definitions. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { project, type Constraint } from "../../../src/attacks/constraint.ts";
import { momentumRule } from "../../../src/attacks/rules/momentum.ts";
import { between, chance, random } from "../../../src/random.ts";
import { GpuError } from "../../../src/runtime/gpu/error.ts";
import type { Gpu } from "../../../src/runtime/gpu/gpu.ts";
import { signStep } from "../../../src/runtime/gpu/steps.ts";
import { tensor } from "../../../src/tensor.ts";
import { ifgsm } from "../../attacks/named.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import {
  sizes,
  reduced,
  groups,
  ranges,
  radii,
  seeds,
  floats,
  greys,
  gradients,
  fixed,
  differing,
  endsOf,
} from "../../support/kernels/cases.ts";
import { momentum as momentumDefinition } from "../../support/kernels/momentum.ts";

/** The image after a sign step for each gradient, with momentum where there is a `decay`. */
const signSteps = (
  gpu: Gpu,
  image: Float32Array<ArrayBuffer>,
  steps: readonly Float32Array<ArrayBuffer>[],
  options: Constraint & { readonly alpha: number; readonly decay?: number; readonly groups?: number | undefined },
) =>
  withArrays(gpu, async (upload) => {
    const [low, high] = endsOf(image, options);
    const [x, g] = [await upload("float32", image), await upload("float32", steps[0]!)];
    const ends = { low: await upload("float32", low), high: await upload("float32", high) };
    const { alpha, decay, groups } = options;
    const momentum =
      decay === undefined ? undefined : { m: await upload("float32", new Float32Array(x.length)), decays: [decay] };
    const step = await signStep(gpu, { x, gradient: g, ...ends, alphas: [alpha], momentum, groups });
    for (const gradient of steps) {
      gpu.device.queue.writeBuffer(g.buffer, 0, gradient);
      await gpu.run(step);
    }
    step.release();
    return gpu.read(x);
  });

describe.skipIf(!hasGpu)(`sign_step${gpuNote}`, () => {
  it("is the attacks' own step, bit for bit, over several steps", async () => {
    const property = fc.asyncProperty(
      sizes,
      seeds,
      radii,
      radii,
      ranges,
      groups,
      async (n, seed, epsilon, step, pixelRange, groups) => {
        const next = random(seed);
        const alpha = Math.fround(step);
        const image = greys(next, 3 * n);
        const steps = [1, 2, 3].map(() => gradients(next, 3 * n));
        const like = (data: Float32Array<ArrayBuffer>) => tensor("float32", [3, 1, n], data);
        const attack = ifgsm({ epsilon, pixelRange, alpha, steps: steps.length });
        const expected = await attack(fixed(steps.map((g) => ({ gradient: like(g.slice()), value: 0 }))), like(image));
        const actual = await signSteps(gpu, image, steps, { epsilon, pixelRange, alpha, groups });
        expect(differing(actual, expected.data)).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it("steps by the sign of subnormal gradients, not at zeros, and keeps NaN", async () => {
    const gradient = Float32Array.of(1e-45, -1e-45, 0, -0, NaN, 1, Infinity, -Infinity);
    const image = Float32Array.of(10, 10, 10, 10, 10, NaN, 10, 10);
    const actual = await signSteps(gpu, image, [gradient], { alpha: 2, epsilon: 8, pixelRange: [0, 255] });
    expect([...actual]).toEqual([12, 8, 10, 10, NaN, NaN, 12, 8]);
  });

  it("covers more than 65 535 workgroups", async () => {
    const values = new Float32Array(65_535 * 256 + 17);
    for (let i = 0; i < values.length; i++) values[i] = i % 7;
    const actual = await withArrays(gpu, async (upload) => {
      // From 0, by α = 3 where the gradient is positive, up to the gradient itself: min(3, i mod 7).
      const gradient = await upload("float32", values);
      const zeros = () => gpu.allocate("float32", values.length);
      const [x, low] = [await zeros(), await zeros()];
      const step = await signStep(gpu, { x, gradient, low, high: gradient, alphas: [3] });
      await gpu.run(step);
      const result = await gpu.read(x);
      step.release();
      for (const { buffer } of [x, low]) buffer.destroy();
      return result;
    });
    let wrong = 0;
    for (let i = 0; i < actual.length; i++) if (actual[i] !== Math.min(3, i % 7)) wrong += 1;
    expect(wrong).toBe(0);
  });

  it("with momentum: m ← μ·m + g / ‖g‖₁, and the step by m's sign", async () => {
    const property = fc.asyncProperty(
      reduced,
      seeds,
      fc.constantFrom(0, 0.5, 1),
      groups,
      async (n, seed, decay, groups) => {
        const next = random(seed);
        const ball = { epsilon: 8, pixelRange: [0, 255] } as const;
        const [image, before] = [greys(next, n), floats(n, () => between(next, -1, 1) / n)];
        const gradient = floats(n, () => (chance(next, 0.1) ? 0 : between(next, -1, 1) * 1e-6));
        const [x, m] = await withArrays(gpu, async (upload) => {
          const [low, high] = endsOf(image, ball);
          const arrays = { x: await upload("float32", image), gradient: await upload("float32", gradient) };
          const ends = { low: await upload("float32", low), high: await upload("float32", high) };
          const momentum = { m: await upload("float32", before), decays: [decay] };
          const step = await signStep(gpu, { ...arrays, ...ends, alphas: [1], momentum, groups });
          await gpu.run(step);
          const result = [await gpu.read(arrays.x), await gpu.read(momentum.m)] as const;
          step.release();
          return result;
        });
        const expected = momentumDefinition(before, gradient, decay);
        const scale = 1e-6 * expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1 / n);
        expected.forEach((v, i) => expect(Math.abs(m[i]! - v)).toBeLessThanOrEqual(scale));
        expect(
          differing(
            x,
            project(
              image.map((v, i) => v + Math.sign(m[i]!)),
              image,
              ball,
            ),
          ),
        ).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });

  it("with momentum, is the attacks' own rule over several steps, bit for bit unless m's terms cancel", async () => {
    const property = fc.asyncProperty(
      reduced,
      seeds,
      fc.constantFrom(0, 0.9, 1),
      groups,
      async (n, seed, decay, groups) => {
        const next = random(seed);
        const ball = { epsilon: 2, pixelRange: [0, 255] } as const;
        const image = greys(next, 3 * n);
        const steps = [1e-6, 1, 1e3].map((size) =>
          floats(3 * n, () => (chance(next, 0.1) ? 0 : size * between(next, -1, 1))),
        );
        const like = (data: Float32Array<ArrayBuffer>) => tensor("float32", [3, 1, n], data);
        const rule = momentumRule({ alpha: 0.75, momentum: decay });
        let at = rule.begin(like(image), ball, next);
        // Rounding may turn a sum that is this small beside its terms.
        const [unsure, small] = [new Set<number>(), (m: number) => m !== 0 && Math.abs(m) <= 1e-6 / n];
        for (const [i, gradient] of steps.entries()) {
          const around = { step: i + 1, steps: steps.length, clean: image, constraint: ball, random: () => next };
          // The rule may write into the gradient that it is given.
          at = rule.next(at.state, { gradient: like(gradient.slice()), value: 0 }, at.x, around);
          at.state.forEach((m, j) => small(m) && unsure.add(j));
        }
        const actual = await signSteps(gpu, image, steps, { ...ball, alpha: 0.75, decay, groups });
        expect(
          differing(
            actual.filter((_, i) => !unsure.has(i)),
            at.x.filter((_, i) => !unsure.has(i)),
          ),
        ).toBe(0);
        expect(unsure.size).toBeLessThanOrEqual(2);
      },
    );
    await fc.assert(property, { numRuns: 20 });
  });

  it("with momentum, a gradient of zeros adds nothing, nor does one too small to be divided by", async () => {
    const m = await withArrays(gpu, async (upload) => {
      const array = (...values: number[]) => upload("float32", Float32Array.from(values));
      const [x, low, high] = [await array(5, 5), await array(0, 0), await array(9, 9)];
      const momentum = { m: await array(1, -2), decays: [0.5] };
      for (const gradient of [await array(0, 0), await array(1e-44, 0)])
        await gpu.run(await signStep(gpu, { x, gradient, low, high, alphas: [1], momentum }));
      return [...(await gpu.read(momentum.m)), ...(await gpu.read(x))];
    });
    expect(m).toEqual([0.25, -0.5, 7, 3]);
  });

  it("refuses arrays of another length", async () => {
    await withArrays(gpu, async (upload) => {
      const [x, low] = [await upload("float32", new Float32Array(4)), await upload("float32", new Float32Array(3))];
      await expect(signStep(gpu, { x, gradient: x, low, high: x, alphas: [1] })).rejects.toThrow(GpuError);
    });
  });
});
