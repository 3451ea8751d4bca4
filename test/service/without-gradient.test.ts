/** Attacks that need no gradient: on networks that have none, and in the memory of predictions. */

import { describe, expect, it } from "vitest";
import type { AttackName } from "../../src/attacks/catalogue.ts";
import { isGradient } from "../../src/networks/least-bytes.ts";
import { evaluatedBy } from "../../src/evaluation/plan.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { encodePng } from "../../src/image/encode.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile, tinyNetwork } from "../support/networks/tiny.ts";
import { failureOf, grid, imagePng, serviceOf, spec, tiny } from "./tiny-service.ts";

/** The remainder has no rule; below 7 it is the logit itself. */
const odd = tinyFile({ head: (op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]! });

const names = ["square", "nes", "rays"] as const satisfies readonly AttackName[];
const specOf = (attack: AttackName) => ({ ...spec, attack, epsilon: 16, alpha: 4, steps: 60 });

describe.each(names)("%s", (attack) => {
  it("evaluates no gradient", () => {
    expect(evaluatedBy([attack]).some(isGradient)).toBe(false);
    expect(evaluatedBy(["fgsm", attack]).some(isGradient)).toBe(true);
  });

  it("runs on a network without a gradient, and changes labels", async () => {
    const result = await serviceOf([odd]).attack({ spec: specOf(attack), image: imagePng, outputs: [] }, {});
    expect(result.steps.length).toBe(60);
    expect(result.perturbation.float.linf).toBeGreaterThan(3);
    expect(result.perturbation.float.linf).toBeLessThanOrEqual(16);
    expect(result.scores.float.pixelAccuracy.adversarial).toBeLessThan(1);
  });

  it("is part of a grid on such a network", async () => {
    const spec = { ...grid, attacks: [attack], epsilons: [16] };
    const { curve } = await serviceOf([odd]).robustness({ spec, image: imagePng }, {});
    expect(curve.map((point) => [point.attack, point.epsilon])).toEqual([[attack, 16]]);
    const mixed = { ...spec, attacks: [attack, "fgsm" as const] };
    const refused = serviceOf([odd]).robustness({ spec: mixed, image: imagePng }, {});
    expect(await failureOf(refused)).toMatchObject({ kind: "gradient-unsupported", operators: ["Mod"] });
  });
});

it("more queries change at least as many labels", async () => {
  const accuracy = async (attack: AttackName, steps: number) => {
    const asked = { spec: { ...specOf(attack), steps }, image: imagePng, outputs: [] };
    const { scores } = await serviceOf([odd]).attack(asked, {});
    return scores.float.pixelAccuracy.adversarial!;
  };
  // What keeps the best by labels can only fall: the queries of the shorter run are those of the longer one.
  expect(await accuracy("rays", 200)).toBeLessThan(await accuracy("rays", 4));
});

describe("in a budget that holds predictions and no gradient", () => {
  const size = { height: 480, width: 640 };
  const image = encodePng(noiseImage(size.height, size.width));
  const cache = new SessionCache(startWasm(), 2 ** 31);
  const segmenter = createSegmenter(tinyNetwork({ activation: "Tanh" }), cache);
  const needed = (attack: AttackName) =>
    Math.max(...evaluatedBy([attack]).map((evaluated) => cache.predict(segmenter.attackFootprints(size, evaluated))));

  it("they run, and attacks by gradients do not", async () => {
    const budgetBytes = Math.ceil(needed("square"));
    expect(needed("fgsm")).toBeGreaterThan(budgetBytes);
    const small = serviceOf([tiny], { budgetBytes });
    for (const attack of ["square", "rays"] as const)
      await small.attack({ spec: { ...specOf(attack), steps: 2 }, image, outputs: [] }, {});
    const refused = small.attack({ spec: { ...spec, attack: "fgsm", alpha: 8, steps: 1 }, image, outputs: [] }, {});
    expect(await failureOf(refused)).toMatchObject({ kind: "memory-exceeded" });
  });
});
