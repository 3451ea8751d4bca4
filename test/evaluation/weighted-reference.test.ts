/** SegPGD and CosPGD on the reference E-Net: their losses by the definition, and their end against what the authors' code does. */

import { beforeAll, describe, expect, it } from "vitest";
import { referenceNetwork } from "../../bench/networks.ts";
import { makeAttack } from "../../src/attacks/catalogue.ts";
import { follow } from "../../src/attacks/run.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { emptyCounts, mergeCounts, scoresOf, type ClassCounts } from "../../src/metrics/counts.ts";
import { objectiveNamed } from "../../src/objectives/catalogue.ts";
import type { Segmenter } from "../../src/segmenter/segmenter.ts";
import { numbersOf, sizeOf, tensor, type Tensor } from "../../src/tensor.ts";
import { definitions, type Pixel } from "../objectives/definitions.ts";
import { openWasm, undeclared } from "../support/wasm.ts";
import { authorsNote, authorsResult, authorsSegmenter, hasAuthors, picturesOf, type AuthorsResult } from "./authors.ts";

const pooled = (counts: readonly ClassCounts[]) => scoresOf(counts.reduce(mergeCounts, emptyCounts(11)));

const accuracyOf = ({ perImage }: AuthorsResult): number => {
  const sum = (of: "tp" | "gt") => perImage.flatMap((one) => one[of]).reduce((a, b) => a + b, 0);
  return sum("tp") / sum("gt");
};

/** The network's logits at an image [3,H,W], from its own file: no graph of ours is between. */
const openLogits = async (shape: readonly number[]) => {
  const { card, model } = referenceNetwork("enet_camvid", true);
  const session = await openWasm(undeclared(model));
  const { mean, std } = card.input;
  const plane = sizeOf(shape.slice(1));
  const logits = async (image: Tensor<"float32">): Promise<Tensor> => {
    const normalised = image.data.map((v, i) => (v - mean[Math.floor(i / plane)]!) / std[Math.floor(i / plane)]!);
    const outputs = await session.run({ [card.input.name]: tensor("float32", [1, ...shape], normalised) });
    return outputs[card.output.name]!;
  };
  return { logits, close: session.close };
};

describe.skipIf(!hasAuthors)(`on the reference E-Net${authorsNote}`, () => {
  let segmenter: Segmenter;
  beforeAll(() => {
    segmenter = authorsSegmenter();
  });

  it.each(["segpgd", "cospgd", "tsallis-pgd"] as const)(
    "%s: the losses of the first steps are the definition's",
    async (name) => {
      const [{ image, truth }] = (await picturesOf(authorsResult("segpgd20-eps4"))) as [
        Awaited<ReturnType<typeof picturesOf>>[0],
      ];
      const settings = { epsilon: 4, steps: 3, seed: 0, pixelRange: [0, 255] } as const;
      const [trajectory] = makeAttack(name, settings).trajectories;
      const evaluate = segmenter.objective({ objective: objectiveNamed(trajectory.objective), labels: truth });
      const { logits, close } = await openLogits(image.shape);
      const { value } = definitions[trajectory.objective]!(false);
      const away: number[] = [];
      let at = image;
      await follow(trajectory, evaluate, image, {
        onStep: async ({ step, steps, evaluation, image: next }) => {
          const z = numbersOf(await logits(at));
          const pixels = truth.data.length;
          const here = { lambda: (step - 1) / (2 * steps), order: -2 + (3 * (step - 1)) / (steps - 1) };
          let [sum, counted] = [0, 0];
          for (const [i, y] of truth.data.entries()) {
            if (y === 255) continue;
            counted += 1;
            sum += value(
              Array.from({ length: 12 }, (_, k) => z[k * pixels + i]!),
              { y, ...here } as Pixel,
            );
          }
          away.push(Math.abs(evaluation.loss - sum / counted) / (sum / counted));
          at = next;
        },
      });
      await close();
      expect(away.length).toBe(3);
      expect(Math.max(...away)).toBeLessThanOrEqual(1e-3);
    },
    120_000,
  );

  /**
   * These attacks are chaotic: standard deviations over runs from starts that differ by at most 10⁻³ grey levels, the authors'
   * two and ours. A difference of two runs is within 2√2 of one, or 0.005.
   */
  it.each([
    ["segpgd", 1, { miou: 0.0038, pixelAccuracy: 0.0059, ofImage: 0.0139 }],
    ["segpgd", 4, { miou: 0.0012, pixelAccuracy: 0.0035, ofImage: 0.0145 }],
    ["cospgd", 1, { miou: 0.0173, pixelAccuracy: 0.0092, ofImage: 0.0397 }],
    ["cospgd", 4, { miou: 0.0063, pixelAccuracy: 0.0118, ofImage: 0.0272 }],
  ] as const)(
    "%s, 20 steps, ε = %d: the end is as the authors'",
    { timeout: 600_000 },
    async (attack, epsilon, deviation) => {
      const expected = authorsResult(`${attack}20-eps${epsilon}`);
      const within = (actual: number, wanted: number, one: number) =>
        expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(Math.max(0.005, 2 * Math.SQRT2 * one));
      const counts: { readonly clean: ClassCounts; readonly float: ClassCounts }[] = [];
      for (const { id, image, truth } of await picturesOf(expected)) {
        const plan = { attack, epsilon, alpha: 2.55, steps: 20, pixelRange: "clip", seed: 0, source: truth } as const;
        counts.push((await measure({ segmenter, image, item: id, truth }, plan)).row.counts);
      }
      for (const [i, { clean, float }] of counts.entries()) {
        const { pixelAccuracy } = expected.clean.perImage[i]!;
        expect(Math.abs(scoresOf(clean).pixelAccuracy! - pixelAccuracy)).toBeLessThanOrEqual(1e-4);
        within(scoresOf(float).pixelAccuracy!, expected.perImage[i]!.pixelAccuracy, deviation.ofImage);
      }
      expect(Math.abs(pooled(counts.map(({ clean }) => clean)).miou! - expected.clean.miou)).toBeLessThanOrEqual(1e-4);
      const attacked = pooled(counts.map(({ float }) => float));
      within(attacked.miou!, expected.miou, deviation.miou);
      within(attacked.pixelAccuracy!, accuracyOf(expected), deviation.pixelAccuracy);
    },
  );
});
