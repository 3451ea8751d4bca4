/** Weights of classes that are given: what the class-balanced loss takes from the labels where they are its own, and what they change. */

import { describe, expect, it } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { classWeightsMisplaced } from "../../src/attacks/option-faults.ts";
import { weightsFault, type ClassWeights } from "../../src/evaluation/class-weights.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { evaluatedBy, type AttackPlan } from "../../src/evaluation/plan.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const segmenter = createSegmenter(tinyNetwork(), new SessionCache(startWasm(), 2 ** 30));
const image = noiseImage(12, 16, 5);
const { labels } = await segmenter.predict(image);
const counts = segmenter.manifest.classes.map((_, c) => labels.data.filter((label) => label === c).length);
const inverse = counts.map((count) => 1 / Math.max(count, 1));

const plan: AttackPlan = { attack: "sea", epsilon: 4, alpha: 1, steps: 10, start: 0, pixelRange: "clip", seed: 3 };
const attacked = async (classWeights?: ClassWeights) => {
  const measured = await measure({ segmenter, image, item: "noise" }, { ...plan, classWeights });
  return { ...measured, losses: measured.steps.map(({ loss }) => loss) };
};

describe("SEA's class-balanced loss", () => {
  it("is, with 1/N of each class of the labels, the one of its own", async () => {
    const [own, given] = [await attacked(), await attacked(inverse)];
    expect(given.float.image.data).toEqual(own.float.image.data);
    expect(given.losses).toEqual(own.losses);
    expect(given.row.unit.attack).toEqual({ ...(own.row.unit.attack as object), classWeights: inverse });
  });

  it("follows the weights given, whatever their scale", async () => {
    const only = labels.data[0]!;
    const alone = inverse.map((_, c) => (c === only ? 1 : 0));
    const { losses } = await attacked(alone);
    expect(losses).not.toEqual((await attacked(inverse)).losses);
    expect((await attacked(alone.map((weight) => 64 * weight))).losses).toEqual(losses);
  });

  it("says so where no pixel of the labels that it leaves has a weight", async () => {
    const kinds = async (changes: Partial<AttackPlan>) =>
      (await measure({ segmenter, image, item: "noise" }, { ...plan, steps: 4, ...changes })).row.signs ?? [];
    const first = [1, 0, 0, 0];
    const others = { ...labels, data: labels.data.map((label) => Math.max(label, 1)) };
    const found = await kinds({ classWeights: first, source: others });
    expect(found).toContain("weights-zero");
    expect(found).not.toContain("gradient-zero");
    expect(await kinds({ classWeights: first, target: 1 })).toContain("weights-zero");
    expect(await kinds({ classWeights: first, target: 0 })).not.toContain("weights-zero");

    // Of the prediction, too, where that is what is left.
    const clean = { ...(await segmenter.predict(image)), labels: others };
    const { row } = await measure(
      { segmenter, image, item: "noise", clean },
      { ...plan, steps: 4, classWeights: first },
    );
    expect(row.signs).toContain("weights-zero");
    const present = counts.map((count) => Number(count > 0));
    expect(await kinds({ classWeights: present })).not.toContain("weights-zero");
  });

  it("has a graph of its own where weights are given, whose memory is predicted", () => {
    const keys = (weights?: ClassWeights) =>
      evaluatedBy(["sea"], false, weights).map((one) => ("scored" in one ? one.scored : one).key);
    expect(keys()).toContain("balanced-cross-entropy");
    expect(keys(inverse)).toEqual(["steered(weighted(masked-cross-entropy))", ...keys().slice(1)]);
  });
});

describe("weights", () => {
  it("are one for each class, finite and not negative, and not all 0", () => {
    const classes = [0, 1, 2];
    expect(weightsFault([1, 0, 0.5], classes)).toBeNull();
    expect(weightsFault([1, 2], classes)).toMatch(/the model's 3 classes, in their order; there are 2/);
    for (const wrong of [-1, Number.NaN, Infinity, 1e300])
      expect(weightsFault([1, wrong, 1], classes)).toMatch(/at least 0 that are finite/);
    expect(weightsFault([0, 0, 1e-60], classes)).toMatch(/above 0/);
  });

  it("go with sea alone, which says so", () => {
    expect(attackNames.filter((name) => classWeightsMisplaced(name) === null)).toEqual(["sea"]);
    expect(classWeightsMisplaced("pgd")).toBe("must be absent: pgd weighs no classes; of all attacks sea does");
  });
});
