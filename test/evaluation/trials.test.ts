/** Scores over random trials. */

import { describe, expect, it } from "vitest";
import { measure } from "../../src/evaluation/measure.ts";
import { evaluationsWith, runTrials, spreadOf, trialScores } from "../../src/evaluation/trials.ts";
import { countsOf, iouRatio, mergeCounts, scoresOf } from "../../src/metrics/counts.ts";
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
  /** The adversarial image as it was computed, and another one in place of its 8-bit form. */
  const attackedOn = async (network: typeof segmenter) => {
    const { row, float } = await measure({ segmenter: network, image, item: "noise", truth }, plan);
    return { row, attacked: { clean: image, float: float.image, uint8: noiseImage(height, width, 4), truth } };
  };

  it("are nine predictions of each image with seeds of their own, pooled over the images", async () => {
    const network = defended("noise");
    const { attacked } = await attackedOn(network);
    const swapped = { ...attacked, clean: attacked.float, float: image };
    const images = [await runTrials(network, attacked, { seed: 30 }), await runTrials(network, swapped, { seed: 30 })];
    expect(images[0]!.map(({ seed }) => seed)).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38]);
    const drawn = segmenter.withTransform({ ...network.defence!, seed: 34 });
    const counted = async (x: typeof image) => countsOf((await drawn.predict(x)).labels, truth, classes);
    expect(images[0]![4]!.counts).toEqual({
      clean: await counted(image),
      float: await counted(attacked.float),
      uint8: await counted(attacked.uint8),
    });
    expect(evaluationsWith({ forward: 1, backward: 2 }, images[0]!)).toEqual({ forward: 1 + 9 * 3, backward: 2 });
    const { trials, iouRatio: spread } = trialScores(images, "float");
    const { miou } = scoresOf(mergeCounts(await counted(image), await counted(attacked.float)));
    // The same two images on both sides: pooled, they are equal.
    expect(trials[4]!.miou).toEqual({ clean: miou, adversarial: miou });
    expect(spread).toEqual({ mean: 1, twoDeviations: 0 });
    expect(trialScores(images, "uint8").iouRatio!.mean).not.toBe(1);
  });

  it("differ from each other where the defence is random", async () => {
    const network = defended("noise");
    const counted = [await runTrials(network, (await attackedOn(network)).attacked)];
    const { trials, iouRatio: spread, adversarialMiou, cleanMiou } = trialScores(counted, "float");
    expect(new Set(trials.map((t) => t.iouRatio)).size).toBeGreaterThan(1);
    expect(spread!.twoDeviations).toBeGreaterThan(0);
    expect(spread!.mean).toBeLessThan(1);
    expect(adversarialMiou!.mean).toBeLessThan(cleanMiou!.mean);
  });

  it("do not differ where nothing is random, and are then the measurement's", async () => {
    const network = defended("blur");
    const { row, attacked } = await attackedOn(network);
    const counted = [await runTrials(network, attacked, { trials: 3 })];
    expect(trialScores(counted, "float").iouRatio).toEqual({
      mean: iouRatio(scoresOf(row.counts.float), scoresOf(row.counts.clean)),
      twoDeviations: 0,
    });
  });

  it("of no whole number are refused, of no images too, and an abort ends them before the next", async () => {
    const { attacked } = await attackedOn(defended("noise"));
    for (const trials of [0, 2.5]) await expect(runTrials(segmenter, attacked, { trials })).rejects.toThrow(RangeError);
    expect(() => trialScores([], "float")).toThrow(RangeError);
    const controller = new AbortController();
    let begun = 0;
    const onTrial = () => {
      begun += 1;
      if (begun === 3) controller.abort(new Error("gone"));
    };
    const running = runTrials(defended("noise"), attacked, { onTrial, signal: controller.signal });
    await expect(running).rejects.toThrow("gone");
    expect(begun).toBe(3);
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
