/** Scores over random trials. */

import { describe, expect, it } from "vitest";
import { measure } from "../../src/evaluation/measure.ts";
import { scoreTrials, spreadOf } from "../../src/evaluation/trials.ts";
import { countsOf, iouRatio, scoresOf } from "../../src/metrics/counts.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const segmenter = createSegmenter(tinyNetwork({ activation: "Tanh" }), new SessionCache(startWasm(), 2 ** 30));
const [height, width, classes] = [12, 16, 4];
const image = noiseImage(height, width, 3);
const truth = noiseLabels(height, width, classes, 8, true);
const defended = (name: "noise" | "blur", draws = 1) =>
  segmenter.withTransform({ transform: [{ name, sigma: 2 }], seed: 5, through: "differentiable", draws });
const plan = { attack: "ifgsm", epsilon: 8, alpha: 1, steps: 3, pixelRange: "clip", seed: 0 } as const;

describe("mean and two standard deviations", () => {
  it.each([
    [[2, 4, 9], { mean: 5, twoDeviations: 2 * Math.sqrt(13) }],
    [[0.5, null, 0.5], { mean: 0.5, twoDeviations: 0 }],
    [[null, 3], { mean: 3, twoDeviations: null }],
    [[null], null],
  ])("of %o", (values, expected) => {
    expect(spreadOf(values)).toEqual(expected);
  });
});

describe("trials", () => {
  it("are nine predictions of each image with seeds of their own, pooled over the images", async () => {
    const network = defended("noise");
    const { float } = await measure({ segmenter: network, image, item: "noise", truth }, plan);
    const pairs = [
      { clean: image, adversarial: float.image, truth },
      { clean: float.image, adversarial: image, truth },
    ];
    const { trials, iouRatio: spread } = await scoreTrials(network, pairs, { seed: 30 });
    expect(trials.map(({ seed }) => seed)).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38]);
    const drawn = segmenter.withTransform({ ...network.defence!, seed: 34 });
    const counted = async (x: typeof image) => countsOf((await drawn.predict(x)).labels, truth, classes);
    const added = [await counted(image), await counted(float.image)];
    const both = {
      truePositive: added[0]!.truePositive.map((n, c) => n + added[1]!.truePositive[c]!),
      reference: added[0]!.reference.map((n, c) => n + added[1]!.reference[c]!),
      predicted: added[0]!.predicted.map((n, c) => n + added[1]!.predicted[c]!),
    };
    // The same two images on both sides: pooled, they are equal.
    expect(trials[4]!.miou).toEqual({ clean: scoresOf(both).miou, adversarial: scoresOf(both).miou });
    expect(spread).toEqual({ mean: 1, twoDeviations: 0 });
  });

  it("differ from each other where the defence is random", async () => {
    const network = defended("noise");
    const { float } = await measure({ segmenter: network, image, item: "noise", truth }, plan);
    const pairs = [{ clean: image, adversarial: float.image, truth }];
    const { trials, iouRatio: spread, adversarialMiou, cleanMiou } = await scoreTrials(network, pairs);
    expect(new Set(trials.map((t) => t.iouRatio)).size).toBeGreaterThan(1);
    expect(spread!.twoDeviations).toBeGreaterThan(0);
    expect(spread!.mean).toBeLessThan(1);
    expect(adversarialMiou!.mean).toBeLessThan(cleanMiou!.mean);
  });

  it("do not differ where nothing is random, and are then the measurement's", async () => {
    const network = defended("blur");
    const { row, float } = await measure({ segmenter: network, image, item: "noise", truth }, plan);
    const pairs = [{ clean: image, adversarial: float.image, truth }];
    const { iouRatio: spread } = await scoreTrials(network, pairs, { trials: 3 });
    expect(spread).toEqual({
      mean: iouRatio(scoresOf(row.counts.float), scoresOf(row.counts.clean)),
      twoDeviations: 0,
    });
  });

  it.each([0, 2.5])("of %d are refused", async (trials) => {
    await expect(scoreTrials(segmenter, [{ clean: image, adversarial: image }], { trials })).rejects.toThrow(
      RangeError,
    );
    await expect(scoreTrials(segmenter, [])).rejects.toThrow(RangeError);
  });
});

describe("a row of a defended network", () => {
  it("names the transformations, and counts every draw", async () => {
    const { row } = await measure({ segmenter: defended("noise", 4), image, item: "noise", truth }, plan);
    expect(row.unit.around).toEqual({ transform: [{ name: "noise", sigma: 2 }], seed: 5, draws: 4 });
    // Clean, three steps of four draws, and the adversarial image, which is whole.
    expect(row.evaluations).toEqual({ forward: 14, backward: 12 });
    const undefended = await measure({ segmenter, image, item: "noise", truth }, plan);
    expect(undefended.row.unit).not.toHaveProperty("around");
  });
});
