/** /v1/robustness on several images: each as it is alone, and their pooled counts. */

import { describe, expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { noiseImage } from "../support/networks/image.ts";
import { grid, serviceOf } from "./tiny-service.ts";

const pictures = [1, 2, 3, 4].map((seed) => ({ image: encodePng(noiseImage(12, 16, seed)) }));
const spec = { ...grid, attacks: ["fgsm", "ifgsm-ii"], epsilons: [2, 16] } as const;
const service = serviceOf();
const told: [number, number][] = [];
const result = await service.robustnessOfSet(
  { spec, pictures },
  { onPoint: (_, index, total) => void told.push([index, total]) },
);

describe("robustness of several images", () => {
  it("has of each what it has alone, and tells each point once", async () => {
    const { timings: _, ...alone } = await service.robustness({ spec, ...pictures[2]! }, {});
    const { timings: _timings, ...within } = result.images[2]!;
    expect(within).toEqual(alone);
    expect(told).toEqual(Array.from({ length: 16 }, (_each, i) => [i + 1, 16]));
  });

  it("pools the counts by brute force, with an interval around each score", () => {
    for (const [k, { attack, epsilon, iouRatio, iouRatioUint8, nmiou, pixelAccuracy }] of result.curve.entries()) {
      const rows = result.images.map((image) => image.rows[k + 1]!);
      expect(rows[0]!.unit.attack).toMatchObject({ attack, epsilon });
      const pooled = (kind: "float" | "uint8") => {
        const sums = (name: "truePositive" | "reference" | "predicted") =>
          [0, 1, 2, 3].map((c) => rows.reduce((total, { counts }) => total + counts[kind][name][c]!, 0));
        return scoresOf({
          truePositive: sums("truePositive"),
          reference: sums("reference"),
          predicted: sums("predicted"),
        });
      };
      // Against the clean predictions, the clean mIoU is 1.
      expect(iouRatio.value).toBeCloseTo(pooled("float").miou!, 12);
      expect(iouRatioUint8).toBeCloseTo(pooled("uint8").miou!, 12);
      expect(pixelAccuracy.value).toBeCloseTo(pooled("float").pixelAccuracy!, 12);
      const own = rows.map(({ counts }) => scoresOf(counts.float).miou!);
      expect(nmiou.value).toBeCloseTo(own.reduce((a, b) => a + b) / own.length, 12);
      for (const { value, interval } of [iouRatio, nmiou, pixelAccuracy]) {
        expect(interval!.low).toBeLessThanOrEqual(value!);
        expect(interval!.high).toBeGreaterThanOrEqual(value!);
      }
      expect(iouRatio.interval!.high).toBeGreaterThan(iouRatio.interval!.low);
    }
    expect(result.clean).toMatchObject({ miou: { value: 1, interval: { low: 1, high: 1 } } });
  });

  it.each([
    [(low: number) => low, "undecided"],
    [(_: number, high: number) => high + 1e-9, "broken"],
  ] as const)(
    "is called broken where a whole interval lies below the threshold, and not before",
    async (of, verdict) => {
      const worst = result.curve.toSorted((a, b) => a.iouRatio.interval!.high - b.iouRatio.interval!.high)[0]!;
      const { low, high } = worst.iouRatio.interval!;
      const again = await service.robustnessOfSet(
        { spec: { ...spec, attacks: [worst.attack], epsilons: [worst.epsilon], threshold: of(low, high) }, pictures },
        {},
      );
      expect(again.verdict).toBe(verdict);
      expect(again.summary).toContain(`${worst.attack} at ε = ${worst.epsilon}`);
    },
  );

  it("is bounded by the work of all images together, before any is attacked", async () => {
    const one = result.images[0]!.cost.work;
    const bounded = serviceOf(undefined, { maxWork: 3 * one });
    const seen: unknown[] = [];
    const run = { onPoint: (point: unknown) => void seen.push(point) };
    await expect(bounded.robustnessOfSet({ spec, pictures }, run)).rejects.toMatchObject({
      failure: { kind: "work-exceeded", pixels: 4 * 12 * 16, maxWork: 3 * one },
    });
    expect(seen).toEqual([]);
    expect((await bounded.robustnessOfSet({ spec, pictures: pictures.slice(1) }, {})).cost.work).toBe(3 * one);
  });

  it("names the image that cannot be read, and one that is there twice", async () => {
    const broken = [pictures[0]!, { image: pictures[1]!.image.slice(0, 60) }];
    await expect(service.robustnessOfSet({ spec, pictures: broken }, {})).rejects.toMatchObject({
      failure: { kind: "image-malformed", part: "image/1" },
    });
    await expect(service.robustnessOfSet({ spec, pictures: [...pictures, pictures[1]!] }, {})).rejects.toMatchObject({
      failure: { kind: "invalid-spec", errors: [{ pointer: "/image/4", detail: "is the same file as /image/1" }] },
    });
  });
});
