/** The kernels of labels and of their scores, against the metrics' definitions and others in float64. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confusionMatrix, scores } from "../../../src/metrics/confusion.ts";
import { chance, integer, random, type Random } from "../../../src/random.ts";
import { GpuError } from "../../../src/runtime/gpu/error.ts";
import { classIou, confusion, confusionLength } from "../../../src/runtime/gpu/labels.ts";
import { clear, sequence } from "../../../src/runtime/gpu/gpu.ts";
import { tensor } from "../../../src/tensor.ts";
import { gpu, gpuNote, hasGpu, withArrays } from "../../support/gpu.ts";

const VOID = 255;
const sizes = fc.oneof(fc.constantFrom(1, 2, 3, 4, 5, 15, 16, 17, 4096, 4097), fc.integer({ min: 1, max: 3000 }));
/** Mostly what one workgroup counts at a time; above 63 classes it takes several, which software is slow at. */
const classNumbers = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(2, 12, 19, 21, 63) },
  { weight: 3, arbitrary: fc.integer({ min: 2, max: 70 }) },
  { weight: 1, arbitrary: fc.integer({ min: 71, max: 256 }) },
);
const groups = fc.constantFrom(1, 2, undefined);
const seeds = fc.nat();

type Labels = Uint8Array<ArrayBuffer>;

/** Labels in runs, as they come, with some void. */
const labelsOf = (next: Random, length: number, classes: number, beyond: number): Labels => {
  let label = 0;
  return Uint8Array.from({ length }, () => {
    if (chance(next, 0.2)) label = chance(next, 0.1) ? VOID : integer(next, 0, Math.min(classes - 1 + beyond, 255));
    return label;
  });
};

describe.skipIf(!hasGpu)(`confusion and class_iou${gpuNote}`, () => {
  const counted = (prediction: Labels, reference: Labels, classes: number, groups?: number, times = 1) =>
    withArrays(gpu, async (upload) => {
      const counts = await upload("uint32", new Uint32Array(confusionLength(classes)).fill(7));
      const maps = { prediction: await upload("uint8", prediction), reference: await upload("uint8", reference) };
      const count = await confusion(gpu, { ...maps, counts, classes, groups });
      const score = await classIou(gpu, { counts, classes });
      await gpu.run(clear(counts), ...Array.from({ length: times }, () => count), score);
      const result = {
        counts: await gpu.read(counts),
        read: await score.read().then(
          ([one]) => one,
          (error: unknown) => error,
        ),
      };
      sequence(count, score).release();
      return result;
    });

  const matrixOf = (prediction: Labels, reference: Labels, classes: number) => {
    const map = (labels: Labels) => tensor("uint8", [labels.length], labels);
    return confusionMatrix(map(prediction), map(reference), classes);
  };

  const expectScores = (actual: unknown, expected: ReturnType<typeof scores>): void => {
    const near = (v: number | null) => (v === null ? null : expect.closeTo(v, 6)); // |difference| < 5e-7
    expect(actual).toEqual({
      iou: expected.iou.map(near),
      miou: near(expected.miou),
      pixelAccuracy: near(expected.pixelAccuracy),
      pixels: expected.pixels,
    });
  };

  it("count exactly, predictions of no class too, and score as the metrics do", async () => {
    const property = fc.asyncProperty(sizes, classNumbers, seeds, groups, async (n, classes, seed, groups) => {
      const next = random(seed);
      const [prediction, reference] = [labelsOf(next, n, classes, 2), labelsOf(next, n, classes, 0)];
      const matrix = matrixOf(prediction, reference, classes);
      const { counts, read } = await counted(prediction, reference, classes, groups);
      expect(counts.join()).toBe([...matrix.counts.flat(), 0].join());
      expectScores(read, scores(matrix));
    });
    const examples: [number, number, number, number | undefined][] = [
      [1, 256, 1, undefined],
      [9001, 2, 2, 1],
      [300, 150, 3, 2],
      [300, 255, 4, undefined], // whose rows fill a workgroup's memory
    ];
    await fc.assert(property, { numRuns: 24, examples });
  });

  it.each([2, 256])("add up over maps: %i classes", async (classes) => {
    const next = random(classes);
    const [prediction, reference] = [labelsOf(next, 999, classes, 0), labelsOf(next, 999, classes, 0)];
    const { counts } = await counted(prediction, reference, classes, undefined, 3);
    expect([...counts]).toEqual([
      ...matrixOf(prediction, reference, classes)
        .counts.flat()
        .map((v) => 3 * v),
      0,
    ]);
  });

  it("have no score where all is void", async () => {
    const { read } = await counted(new Uint8Array(9), new Uint8Array(9).fill(VOID), 3);
    expect(read).toEqual({ iou: [null, null, null], miou: null, pixelAccuracy: null, pixels: 0 });
  });

  it.each([4, 70])("report reference labels that are no class: %i classes", async (classes) => {
    const reference = Uint8Array.of(0, classes, 1, VOID, 254);
    const { counts, read } = await counted(new Uint8Array(5), reference, classes);
    expect(counts.at(-1)).toBe(2);
    expect(read).toBeInstanceOf(GpuError);
    expect(String(read)).toMatch(/2 reference labels are none of/);
  });

  it("refuse more classes than a byte tells, and counts of another length", async () => {
    await expect(counted(new Uint8Array(4), new Uint8Array(4), 257)).rejects.toThrow(/257 classes/);
    await withArrays(gpu, async (upload) => {
      const [labels, counts] = [await upload("uint8", new Uint8Array(4)), await upload("uint32", new Uint32Array(9))];
      const call = confusion(gpu, { prediction: labels, reference: labels, counts, classes: 3 });
      await expect(call).rejects.toThrow(/counts has 9 elements, not 13/);
    });
  });
});
