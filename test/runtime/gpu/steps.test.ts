/** The kernels of a step against the attacks' own definitions. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { project, type Constraint } from "../../../src/attacks/constraint.ts";
import { momentumRule } from "../../../src/attacks/rules/momentum.ts";
import { ifgsm } from "../../attacks/named.ts";
import { distances } from "../../../src/metrics/distances.ts";
import { between, chance, integer, pick, random, type Random } from "../../../src/random.ts";
import { GpuError } from "../../../src/runtime/gpu/error.ts";
import { apgdStep, l2Step, lookAhead, perturbationStats, signStep } from "../../../src/runtime/gpu/steps.ts";
import type { Gpu } from "../../../src/runtime/gpu/gpu.ts";
import { tensor } from "../../../src/tensor.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import { l2Step as l2Definition } from "../../support/kernels/l2-step.ts";
import { momentum as momentumDefinition } from "../../support/kernels/momentum.ts";

const sizes = fc.oneof(fc.constantFrom(1, 2, 255, 256, 257, 4099), fc.integer({ min: 1, max: 2000 }));
/** Of what is reduced: software takes milliseconds for a workgroup that waits for its own threads. */
const reduced = fc.oneof(fc.constantFrom(1, 2, 255, 256, 257), fc.integer({ min: 1, max: 700 }));
/** Few workgroups, so that threads stride; none given: as many as the items need. */
const groups = fc.constantFrom(1, 2, 3, undefined);
const ranges = fc.constantFrom<readonly [number, number] | null>([0, 255], null);
const radii = fc.oneof(fc.constantFrom(0.1, 0.25, 1, 8, 255), fc.double({ min: 1e-3, max: 64, noNaN: true }));
const seeds = fc.nat();

const floats = (length: number, value: (i: number) => number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => value(i));

/** Whole and fractional grey levels. */
const greys = (next: Random, length: number): Float32Array<ArrayBuffer> =>
  floats(length, () => (chance(next, 0.5) ? integer(next, 0, 255) : between(next, 0, 255)));

/** Of every magnitude, subnormals and zeros of both signs among them. */
const gradients = (next: Random, length: number): Float32Array<ArrayBuffer> =>
  floats(length, () =>
    chance(next, 0.2) ? pick(next, [0, -0, 1e-40, -1e-42, 3e38]) : between(next, -1, 1) * 10 ** between(next, -30, 3),
  );

const fixed = <T>(values: readonly T[]) => {
  let i = 0;
  return () => Promise.resolve(values[i++]!);
};

/** Values that differ; NaN equals NaN. */
const differing = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((n, v, i) => n + (v === b[i] || (Number.isNaN(v) && Number.isNaN(b[i])) ? 0 : 1), 0);

/** Ends of the ball met with the range. */
const endsOf = (centre: Float32Array, ball: Constraint) =>
  [-Infinity, Infinity].map((end) => project(new Float32Array(centre.length).fill(end), centre, ball)) as [
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
  ];

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
      decay === undefined ? undefined : { m: await upload("float32", new Float32Array(x.length)), decay };
    const step = await signStep(gpu, { x, gradient: g, ...ends, alpha, momentum, groups });
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
        const expected = await attack(fixed(steps.map((g) => ({ gradient: like(g), value: 0 }))), like(image));
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
      const step = await signStep(gpu, { x, gradient, low, high: gradient, alpha: 3 });
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
          const momentum = { m: await upload("float32", before), decay };
          const step = await signStep(gpu, { ...arrays, ...ends, alpha: 1, momentum, groups });
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
          at = rule.next(at.state, { gradient: like(gradient), value: 0 }, at.x, around);
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
      const momentum = { m: await array(1, -2), decay: 0.5 };
      for (const gradient of [await array(0, 0), await array(1e-44, 0)])
        await gpu.run(await signStep(gpu, { x, gradient, low, high, alpha: 1, momentum }));
      return [...(await gpu.read(momentum.m)), ...(await gpu.read(x))];
    });
    expect(m).toEqual([0.25, -0.5, 7, 3]);
  });

  it("refuses arrays of another length", async () => {
    await withArrays(gpu, async (upload) => {
      const [x, low] = [await upload("float32", new Float32Array(4)), await upload("float32", new Float32Array(3))];
      await expect(signStep(gpu, { x, gradient: x, low, high: x, alpha: 1 })).rejects.toThrow(GpuError);
    });
  });
});

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
            low: await upload("float32", low),
            high: await upload("float32", high),
          };
          const stepped = async (isFirst: boolean) => {
            const arrays = { x: await upload("float32", x), previous: await upload("float32", previous) };
            const step = await apgdStep(gpu, { ...arrays, ...still, size, isFirst, groups });
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
      await expect(lookAhead(gpu, { x, m: short, scale, ahead })).rejects.toThrow(GpuError);
      const launch = await lookAhead(gpu, { x, m, scale, ahead, groups: 2 });
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
        const result = await stats.read();
        stats.release();
        return result;
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
      return stats.read();
    });
    expect(measured).toMatchObject({ l0Values: 2, l0Pixels: 2 });
  });
});
