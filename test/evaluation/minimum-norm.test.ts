/**
 * Attacks of minimum norm on a network whose logits are linear in each pixel, against the closed form: through the objectives, what
 * they feed, and the labels that success is judged by; of labels to leave and of a class to approach.
 */

import { describe, expect, it } from "vitest";
import { attackEntry, attackNames, normsOf, type AttackName } from "../../src/attacks/catalogue.ts";
import { distanceOf, dualNormOf, normOf, type Norm } from "../../src/attacks/norms.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { AttackPlan } from "../../src/evaluation/plan.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { random } from "../../src/random.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensorOf } from "../../src/tensor.ts";
import { tinyManifest } from "../support/networks/tiny.ts";

/** z = ±⟨w, x − 128⟩ of classes 0 and 1, and two classes that never win. */
const w = [0.06, -0.03, 0.05];
const bias = 128 * w.reduce((a, b) => a + b, 0);
const never = -60;

const linear = () => {
  const op = createBuilder("linear");
  const rows = [w, w.map((v) => -v), [0, 0, 0], [0, 0, 0]].flat();
  const kernel = op.tensor(tensorOf("float32", [4, 3, 1, 1], rows), "weights");
  const offset = op.tensor(tensorOf("float32", [4], [-bias, bias, never, never - 1]), "offset");
  const input = op.input("input", "float32", [1, 3, 2, 2]);
  return openNetwork(
    tinyManifest({ input: { width: 2, height: 2, multipleOf: undefined, mean: [0, 0, 0], std: [1, 1, 1] } }),
    writeModel(op.model({ output: op.Conv(input, kernel, offset) })),
  );
};
const segmenter = createSegmenter(linear(), new SessionCache(startWasm(), 2 ** 28));

/** Four pixels on the side of class 0, at different distances from the plane between the two classes. */
const next = random(2);
const lacks = [12, 10, 9, 8];
const aside = lacks.map(() => 300 * (next() - 0.5));
const image = tensorOf(
  "float32",
  [3, 2, 2],
  Array.from({ length: 12 }, (_, i) => {
    const [k, p] = [Math.floor(i / 4), i % 4];
    const along = w.map((v) => v / dualNormOf(w, "l2") ** 2);
    // Moves within the plane, and away from it until the L∞ distance is as given.
    const within = [w[1]!, -w[0]!, 0].map((v) => aside[p]! * v);
    const across = within.map((v, j) => v + along[j]! * lacks[p]! * dualNormOf(w, "linf"));
    return 128 + across[k]!;
  }),
);
const far = Array.from({ length: 4 }, (_, p) => w.reduce((sum, v, k) => sum + v * (image.data[4 * k + p]! - 128), 0));
const smallest = (norm: Norm): number =>
  normOf(
    far.map((f) => f / dualNormOf(w, norm)),
    norm,
  );

const names = attackNames.filter((name) => attackEntry(name).type === "minimum-norm");
const cases = names.flatMap((name) => normsOf(name).map((norm) => [name, norm] as const));

const planOf = (attack: AttackName, norm: Norm, other: Partial<AttackPlan> = {}): AttackPlan => {
  const { options } = attackEntry(attack);
  const numbers = Object.fromEntries(Object.entries(options).map(([option, use]) => [option, use.default]));
  return { alpha: 1, steps: 1, ...numbers, attack, norm, pixelRange: "clip", seed: 0, ...other };
};

/** Most of what each attack finds over the smallest norm. */
const most: Partial<Record<string, number>> = {
  "fmn linf": 1.01,
  "alma-prox linf": 1.01,
  "minimal-fgsm linf": 1.01,
  "minimal-pgd linf": 1.01,
  "carlini-wagner l2": 1.03,
  "pdpgd linf": 1.05,
  "ddn l2": 1.1,
  "minimal-pgd l2": 1.05,
};

describe("on a linear network", () => {
  it("the closed form is of the image at hand", async () => {
    expect(smallest("linf")).toBeCloseTo(12, 3);
    expect([...(await segmenter.predict(image)).labels.data]).toEqual([0, 0, 0, 0]);
  });

  describe.each([undefined, 1])("towards %s", (target) => {
    it.each(cases)("%s moves every pixel, and in %s no further than it may", async (name, norm) => {
      const measured = await measure({ segmenter, image, item: "linear" }, planOf(name, norm, { target }));
      const { labels, image: found } = measured.float;
      expect([...labels.data]).toEqual([1, 1, 1, 1]);
      const ratio = distanceOf(found.data, image.data, norm) / smallest(norm);
      expect(ratio).toBeGreaterThan(1 - 1e-5);
      expect(ratio).toBeLessThan(most[`${name} ${norm}`] ?? 1.6);
    });
  });
});
