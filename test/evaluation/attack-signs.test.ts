/** The signs of one attack on one image, from the courses of its trajectories. */

import { describe, expect, it } from "vitest";
import { attackSigns, uncheckedBy } from "../../src/evaluation/attack-signs.ts";
import type { Course } from "../../src/evaluation/craft.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { AttackPlan } from "../../src/evaluation/plan.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const masking = { zeroGradientShare: 0, confidence: 0.8 };
const planned = (attack: AttackPlan["attack"], options: Partial<AttackPlan> = {}): AttackPlan => ({
  attack,
  epsilon: 4,
  alpha: 1,
  steps: 20,
  pixelRange: "clip",
  seed: 0,
  ...options,
});
const rising = Array.from({ length: 20 }, (_, i) => i);
const settled = Array.from({ length: 20 }, (_, i) => 1 - 0.5 ** i);
const course = (losses: readonly number[], remaining: number | null = null): Course => ({ losses, remaining });
const kinds = (plan: AttackPlan, courses: readonly Course[]) =>
  attackSigns(plan, { masking, courses }).map(({ kind }) => kind);

describe("a loss that still moves", () => {
  it("is a sign of an attack that follows one gradient, whose objective stays the same", () => {
    expect(kinds(planned("ifgsm"), [course(rising)])).toEqual(["loss-still-moving"]);
    expect(kinds(planned("ifgsm"), [course(settled)])).toEqual([]);
    // Queries accept what is larger; λ of SegPGD and q of TsallisPGD move the objective itself.
    for (const name of ["square", "segpgd", "tsallis-pgd"] as const)
      expect(kinds(planned(name), [course(rising)])).toEqual([]);
  });

  it("is judged on the trajectory whose image counts: of SEA's losses, and of restarts", () => {
    // 20 steps in stages of 6, 6 and 8, each with an evaluation that only judges.
    const sea = (...at: readonly [number, number, number]) =>
      kinds(planned("sea"), [course(settled, at[0]), course([...settled, 2, 3, 4], at[1]), course(settled, at[2])]);
    expect(sea(0.3, 0.1, 0.2)).toEqual(["loss-still-moving"]);
    expect(sea(0.1, 0.3, 0.2)).toEqual([]);
    const restarted = planned("pgd", { restarts: 2, start: 1 });
    expect(kinds(restarted, [course(rising, 0.2), course(settled, 0.1)])).toEqual([]);
    expect(kinds(restarted, [course(rising, 0.1), course(settled, 0.1)])).toEqual(["loss-still-moving"]);
  });

  it("of APGD in stages is judged in the last one alone", () => {
    const stage = (from: number, to: number, steps: number) =>
      Array.from({ length: steps }, (_, i) => from + ((to - from) * i) / (steps - 1));
    const stages = [...stage(0, 6, 7), ...stage(3, 8, 7)];
    expect(kinds(planned("apgd-tsallis"), [course([...stages, ...stage(5, 10, 9)])])).toEqual(["loss-still-moving"]);
    // It moves in the last fifth of all steps, and not in that of the last stage.
    expect(kinds(planned("apgd-tsallis"), [course([...stages, 5, 7, 8, 8.5, ...stage(10, 10.2, 5)])])).toEqual([]);
  });
});

describe("a random start that does more than the image itself", () => {
  const both = planned("pgd", { restarts: 3, start: 0 });
  it("is a sign of restarts of one attack that has both", () => {
    expect(kinds(both, [course(settled, 0.3), course(settled, 0.4), course(settled, 0.1)])).toEqual([
      "random-start-stronger",
    ]);
    expect(kinds(both, [course(settled, 0.3), course(settled, 0.4), course(settled, 0.5)])).toEqual([]);
    const random = planned("pgd", { restarts: 3, start: 1 });
    expect(kinds(random, [course(settled, 0.3), course(settled, 0.4), course(settled, 0.1)])).toEqual([]);
  });

  it("is then not left open; for all else another attack is named", () => {
    const { kinds: open, detail } = uncheckedBy(planned("pgd"));
    expect(open).toContain("random-start-stronger");
    expect(open).toContain("gradient-free-stronger");
    expect(detail).toContain("/v1/audit");
    expect(uncheckedBy(both).kinds).not.toContain("random-start-stronger");
    expect(uncheckedBy(null).kinds).toEqual(open);
  });

  it("the course of values is left open where it tells nothing", () => {
    expect(uncheckedBy(planned("pgd")).kinds).not.toContain("loss-still-moving");
    for (const name of ["square", "segpgd"] as const)
      expect(uncheckedBy(planned(name)).kinds).toContain("loss-still-moving");
  });
});

it("an attack that was stopped or made elsewhere has no courses, and none is judged", () => {
  expect(kinds(planned("ifgsm"), [])).toEqual([]);
  expect(kinds(planned("sea"), [course(rising, 0.1)])).toEqual([]);
});

describe("a first gradient of zeros", () => {
  const labels = (...data: number[]) => tensor("uint8", [1, data.length], Uint8Array.from(data));
  const at = (zeroGradientShare: number, plan: AttackPlan) =>
    attackSigns(plan, { masking: { ...masking, zeroGradientShare }, courses: [] }).map(({ kind }) => kind);

  it("is a sign where the objective counts every pixel: all labels, or the prediction from the image itself", () => {
    for (const plan of [planned("pgd"), planned("pgd", { source: labels(1, 2) }), planned("sea", { start: 0 })])
      expect([at(0.5, plan), at(0.4, plan)]).toEqual([["gradient-zero"], []]);
    expect(uncheckedBy(planned("sea", { start: 0 })).kinds).not.toContain("gradient-zero");
  });

  it("is none where the objective leaves pixels out from the start, and then left open", () => {
    for (const plan of [
      planned("sea"),
      planned("sea", { start: 0, source: labels(1, 2) }),
      planned("sea", { start: 0, target: 1 }),
      planned("sea", { start: 0, classWeights: [1, 0] }),
      planned("segpgd", { start: 0, source: labels(1, 2) }),
    ]) {
      expect(at(1, plan)).toEqual([]);
      expect(uncheckedBy(plan)).toMatchObject({
        kinds: expect.arrayContaining(["gradient-zero"]) as unknown,
        detail: expect.stringContaining("of some of the pixels alone") as unknown,
      });
    }
  });

  it("is left open too where the labels are the ground truth of each image, which the plan has not", () => {
    const open = (plan: AttackPlan) => uncheckedBy(plan, true).kinds.includes("gradient-zero");
    expect(["segpgd", "pgd"].map((name) => open(planned(name as "pgd", { start: 0 })))).toEqual([true, false]);
    expect(uncheckedBy(planned("segpgd", { start: 0 })).kinds).not.toContain("gradient-zero");
  });

  it("is judged by the pixels that have a label", () => {
    const half = planned("pgd", { source: labels(1, 255, 255, 2) });
    expect([at(0.7, half), at(0.75, half)]).toEqual([[], ["gradient-zero"]]);
    expect(at(1, planned("pgd", { source: labels(255, 255) }))).toEqual([]);
  });

  it("of SEA where few pixels are right is none, while that of PGD on the same labels is judged", async () => {
    const segmenter = createSegmenter(tinyNetwork(), new SessionCache(startWasm(), 2 ** 30));
    const image = noiseImage(12, 16, 5);
    const { labels: clean } = await segmenter.predict(image);
    const source = { ...clean, data: clean.data.map((label, i) => (i < 3 ? label : (label + 1) % 4)) };
    const measured = (attack: AttackPlan["attack"]) =>
      measure({ segmenter, image, item: "noise", truth: source }, planned(attack, { steps: 4, start: 0, source }));
    const [sea, pgd] = [await measured("sea"), await measured("pgd")];
    expect(sea.row.masking.zeroGradientShare).toBeGreaterThan(0.5);
    expect(sea.row.signs ?? []).not.toContain("gradient-zero");
    expect(sea.unchecked.kinds).toContain("gradient-zero");
    expect(pgd.row.masking.zeroGradientShare).toBeLessThan(0.5);
    expect(pgd.unchecked.kinds).not.toContain("gradient-zero");
  });
});
