/** Kernels over several images: each gets, to the bit, what it gets alone. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { between, chance, integer, random } from "../../../src/random.ts";
import { GpuError } from "../../../src/runtime/gpu/error.ts";
import { clear, type GpuArray, type Launch } from "../../../src/runtime/gpu/gpu.ts";
import { l2Step } from "../../../src/runtime/gpu/l2.ts";
import { classIou, confusion, confusionLength } from "../../../src/runtime/gpu/labels.ts";
import {
  apgdStep,
  lookAhead,
  packedMoves,
  perturbationStats,
  signStep,
  type ApgdMove,
} from "../../../src/runtime/gpu/steps.ts";
import { joined } from "../../../src/tensor.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";
import { floats, greys, groups, seeds } from "../../support/kernels/cases.ts";

type Floats = GpuArray<"float32">;
type Values = Float32Array<ArrayBuffer>;

/** No multiple of a workgroup or of a word, so that images begin anywhere. */
const lengths = fc.oneof(fc.constantFrom(1, 3, 255, 257), fc.integer({ min: 1, max: 700 }));

/** Arrays of one image, by name. */
type Arrays<N extends string> = Readonly<Record<N, Values>>;

/** What the arrays are after a launch over these images. */
const after = async <N extends string>(
  images: readonly Arrays<N>[],
  launchOn: (
    arrays: Readonly<Record<N, Floats>>,
    upload: Parameters<Parameters<typeof withArrays>[1]>[0],
  ) => Promise<Launch>,
): Promise<readonly Arrays<N>[]> =>
  withArrays(gpu, async (upload) => {
    const names = Object.keys(images[0]!) as N[];
    const arrays = {} as Record<N, Floats>;
    for (const name of names) arrays[name] = await upload("float32", joined(images.map((image) => image[name])));
    const launch = await launchOn(arrays, upload);
    await gpu.run(launch);
    launch.release();
    const results = images.map(() => ({}) as Record<N, Values>);
    for (const name of names) {
      const whole = await gpu.read(arrays[name]);
      const length = whole.length / images.length;
      for (const [i, result] of results.entries()) result[name] = whole.slice(i * length, (i + 1) * length);
    }
    return results;
  });

/** Three images, with what each is stepped by. */
const drawn = (seed: number, length: number) => {
  const next = random(seed);
  return Array.from({ length: 3 }, (_, i) => {
    const x = greys(next, length);
    const epsilon = Math.fround(between(next, 0.5, 9));
    return {
      arrays: {
        x,
        gradient: floats(length, () => (chance(next, 0.1) ? 0 : between(next, -1, 1) * 10 ** between(next, -9, 0))),
        other: floats(length, () => between(next, -1, 1)),
        low: x.map((v) => Math.max(0, v - epsilon)),
        high: x.map((v) => Math.min(255, v + epsilon)),
      },
      epsilon,
      // So different that an L2 ball takes another number of rounds.
      alpha: Math.fround(epsilon * [0.2, -1, 1e6][i]!),
      decay: Math.fround(next()),
      pixelRange: i === 2 ? null : ([0, 255] as const),
    };
  });
};

type Drawn = ReturnType<typeof drawn>;

describe.skipIf(!hasGpu)(`kernels over several images${gpuNote}`, () => {
  it.each<[string, (arrays: Record<keyof Drawn[0]["arrays"], Floats>, of: Drawn, groups?: number) => Promise<Launch>]>([
    [
      "sign_step",
      ({ x, gradient, low, high }, of, groups) =>
        signStep(gpu, { x, gradient, low, high, alphas: of.map(({ alpha }) => alpha), groups }),
    ],
    [
      "sign_step with momentum",
      ({ x, gradient, other, low, high }, of, groups) =>
        signStep(gpu, {
          x,
          gradient,
          low,
          high,
          alphas: of.map(({ alpha }) => alpha),
          momentum: { m: other, decays: of.map(({ decay }) => decay) },
          groups,
        }),
    ],
    [
      "look_ahead",
      ({ x, other, low }, of, groups) =>
        lookAhead(gpu, { x, m: other, scales: of.map(({ alpha }) => alpha), ahead: low, groups }),
    ],
    [
      "l2_step",
      ({ x, gradient, other }, of, groups) =>
        l2Step(gpu, {
          x,
          centre: other,
          gradient,
          balls: of,
          groups,
        }),
    ],
  ])("%s", async (_, launchOn) => {
    const property = fc.asyncProperty(lengths, seeds, groups, async (length, seed, groups) => {
      const of = drawn(seed, length);
      const together = await after(
        of.map(({ arrays }) => arrays),
        (arrays) => launchOn(arrays, of, groups),
      );
      for (const [i, own] of of.entries()) {
        const [alone] = await after([own.arrays], (arrays) => launchOn(arrays, [own], groups));
        expect(together[i]).toEqual(alone);
      }
    });
    await fc.assert(property, { numRuns: 8 });
  });

  it("apgd_step, where each moves in its own way, or rests", async () => {
    const ways: readonly (ApgdMove | null)[] = [
      { size: 2, isFirst: true },
      { size: -3, isFirst: false },
      { size: 4, isFirst: false, isBack: true },
      null,
    ];
    const next = random(5);
    const images = ways.map(() => {
      const x = greys(next, 301);
      const noise = () => floats(301, () => between(next, -1, 1));
      return {
        x,
        previous: x.map((v, i) => v + noise()[i]!),
        gradient: noise(),
        steepest: noise(),
        low: x.map((v) => v - 3),
        high: x.map((v) => v + 3),
      };
    });
    const step =
      (moves: readonly (ApgdMove | null)[]): Parameters<typeof after<keyof (typeof images)[0]>>[1] =>
      async (arrays, upload) =>
        apgdStep(gpu, { ...arrays, moves: await upload("uint32", packedMoves(moves)), groups: 2 });
    const together = await after(images, step(ways));
    for (const [i, way] of ways.entries()) {
      const [alone] = await after([images[i]!], step([way]));
      expect(together[i]).toEqual(alone);
      expect(isDeepStrictEqual(alone, images[i])).toBe(way === null);
    }
    const { x, steepest, gradient } = images[2]!;
    const [along] = await after(
      [{ ...images[2]!, gradient: steepest, steepest: gradient }],
      step([{ ...ways[2]!, isBack: false }]),
    );
    expect(together[2]!.x).toEqual(along!.x);
    expect(together[2]!.previous).toEqual(x);
  });

  it("perturbation_stats", async () => {
    const [a, b] = [drawn(1, 3 * 130), drawn(2, 3 * 130)];
    b[1]!.arrays.x.set(a[1]!.arrays.x.subarray(0, 200));
    const measured = (which: readonly number[]) =>
      withArrays(gpu, async (upload) => {
        const of = (from: Drawn) => upload("float32", joined(which.map((i) => from[i]!.arrays.x)));
        const stats = await perturbationStats(gpu, {
          a: await of(a),
          b: await of(b),
          channels: 3,
          images: which.length,
        });
        await gpu.run(stats);
        return stats.read();
      });
    const together = await measured([0, 1, 2]);
    for (const i of [0, 1, 2]) expect([together[i]]).toEqual(await measured([i]));
    expect(together[1]!.l0Values).toBeLessThanOrEqual(190);
  });

  it("confusion and class_iou", async () => {
    // Some of so many classes that they are counted in bands.
    const property = fc.asyncProperty(
      lengths,
      seeds,
      groups,
      fc.constantFrom(2, 11, 90),
      async (length, seed, groups, classes) => {
        const next = random(seed);
        const labels = () =>
          Uint8Array.from({ length }, () => (chance(next, 0.1) ? 255 : integer(next, 0, classes - 1)));
        const maps = [0, 1, 2].map(() => ({ prediction: labels(), reference: labels() }));
        const scored = (which: typeof maps) =>
          withArrays(gpu, async (upload) => {
            const images = which.length;
            const counts = await upload("uint32", new Uint32Array(images * confusionLength(classes)));
            const prediction = await upload("uint8", joined(which.map((map) => map.prediction)));
            const reference = await upload("uint8", joined(which.map((map) => map.reference)));
            const count = await confusion(gpu, { prediction, reference, counts, classes, images, groups });
            const score = await classIou(gpu, { counts, classes, images });
            await gpu.run(clear(counts), count, score);
            return { counts: [...(await gpu.read(counts))], scores: await score.read() };
          });
        const [together, ...alone] = await Promise.all([scored(maps), ...maps.map((map) => scored([map]))]);
        expect(together.counts).toEqual(alone.flatMap(({ counts }) => counts));
        expect(together.scores).toEqual(alone.flatMap(({ scores }) => scores));
      },
    );
    await fc.assert(property, { numRuns: 12 });
  });

  it("refuse arrays that the images do not share evenly", async () => {
    await withArrays(gpu, async (upload) => {
      const x = await upload("float32", new Float32Array(4));
      const step = signStep(gpu, { x, gradient: x, low: x, high: x, alphas: [1, 1, 1] });
      await expect(step).rejects.toThrow(GpuError);
      await expect(step).rejects.toThrow(/4 elements of 3 images/);
    });
  });
});
