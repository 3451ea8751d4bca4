/** DI-FGSM: its steps follow the gradient through random resizing and padding, and its scores are those of the network alone. */

import { expect, it } from "vitest";
import { seedOfStep } from "../../src/attacks/run.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { AttackPlan } from "../../src/evaluation/plan.ts";
import { objectiveNamed } from "../../src/objectives/catalogue.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const segmenter = createSegmenter(tinyNetwork({ activation: "Tanh" }), new SessionCache(startWasm(), 2 ** 30));
const image = noiseImage(12, 16, 5);
const subject = { segmenter, image, item: "noise" };
const plan: AttackPlan = {
  attack: "di-fgsm",
  epsilon: 8,
  alpha: 2,
  steps: 1,
  momentum: 1,
  pixelRange: "none",
  seed: 0,
};

const adversarial = async (changes: Partial<AttackPlan>) => (await measure(subject, { ...plan, ...changes })).float;

it("steps along the gradient of the transformed network, with the draw of its seed", async () => {
  const { labels } = await segmenter.predict(image);
  const transform = [{ name: "resize-and-pad", probability: 0.5, scale: [0.9, 1] }] as const;
  let changed = 0;
  for (let seed = 0; seed < 8; seed++) {
    const through = segmenter.withTransform({ transform, seed, through: "differentiable", draws: 1 });
    const aim = { objective: objectiveNamed("cross-entropy"), labels };
    const { gradient } = await through.objective(aim)(image, { step: 1, steps: 1, seed: seedOfStep(seed, 1) });
    const expected = image.data.map((v, i) => v + 2 * Math.sign(gradient.data[i]!));
    expect((await adversarial({ seed })).image.data).toEqual(expected);
    const plain = await segmenter.objective(aim)(image, { step: 1, steps: 1 });
    if (plain.gradient.data.some((v, i) => Math.abs(v - gradient.data[i]!) > 1e-6 * Math.abs(v))) changed += 1;
  }
  // Half of the steps see the image as it is.
  expect(changed).toBeGreaterThan(1);
  expect(changed).toBeLessThan(8);
});

it("draws anew at each step, and scores without the transformation", async () => {
  const [one, two] = [await adversarial({ steps: 6, seed: 1 }), await adversarial({ steps: 6, seed: 2 })];
  expect(one.image).not.toEqual(two.image);
  expect(one.image).toEqual((await adversarial({ steps: 6, seed: 1 })).image);
  expect(one.image).not.toEqual((await adversarial({ steps: 6, attack: "mi-fgsm" })).image);
  expect(one.labels).toEqual((await segmenter.predict(one.image)).labels);
});
