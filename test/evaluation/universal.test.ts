/** Universal perturbations: what one image makes of the definition, and what many images make of one perturbation. */

import { describe, expect, it } from "vitest";
import { linf } from "../../src/attacks/norms.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/attacks/checkpoint.ts";
import type { Checkpoint } from "../../src/attacks/run.ts";
import { measure, type Plan } from "../../src/evaluation/measure.ts";
import {
  craftUniversal,
  deltaFault,
  radiusOf,
  universalSteps,
  type UniversalStep,
} from "../../src/evaluation/universal.ts";
import { random } from "../../src/random.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { createSegmenter, type Image } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor, tensorOf } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const segmenter = createSegmenter(tinyNetwork({ activation: "Tanh" }), new SessionCache(startWasm(), 2 ** 30));
const [height, width] = [16, 20];
const shape = [3, height, width];
const images = Array.from({ length: 8 }, (_, k) => noiseImage(height, width, k + 1));
const [train, unseen] = [images.slice(0, 5), images.slice(5)];
const settings = { epsilon: 16, alpha: 2, epochs: 6, batch: 2, seed: 3 };

const itemsOf = (of: readonly Image[], seen: number[] = []) => ({
  count: of.length,
  read: (index: number) => {
    seen.push(index);
    return Promise.resolve({ image: of[index]! });
  },
});

const given = (delta: Image): Plan => ({ attack: "universal", delta, epsilon: 16, pixelRange: "clip", seed: 0 });
const perImage: Plan = { attack: "ifgsm", epsilon: 16, alpha: 2, steps: 18, pixelRange: "clip", seed: 0 };

/** Mean pixel accuracy that a plan leaves. */
const left = async (of: readonly Image[], plan: Plan): Promise<number> => {
  const rows = await Promise.all(of.map(async (image) => (await measure({ segmenter, image, item: "" }, plan)).row));
  return rows.reduce((sum, { counts }) => sum + scoresOf(counts.float).pixelAccuracy! / rows.length, 0);
};

describe("a perturbation of many images", async () => {
  const order: number[] = [];
  const steps: UniversalStep[] = [];
  const checkpoints: Checkpoint[] = [];
  const delta = await craftUniversal(segmenter, shape, itemsOf(train, order), settings, {
    onStep: (step, checkpoint) => {
      steps.push(step);
      checkpoints.push(checkpoint);
    },
  });

  it("does more than noise of the same ε, and less than an attack on each image; on images that it has not seen too", async () => {
    const noise = (seed: number): Image => {
      const next = random(seed);
      return tensor(
        "float32",
        shape,
        Float32Array.from(delta.data, () => (next() < 0.5 ? -16 : 16)),
      );
    };
    for (const of of [train, unseen]) {
      const [own, each] = [await left(of, given(delta)), await left(of, perImage)];
      const noises = [await left(of, given(noise(1))), await left(of, given(noise(2)))];
      expect(own).toBeLessThan(Math.min(...noises) - 0.03);
      expect(each).toBeLessThan(own - 0.02);
    }
  });

  it("lies in the ball, and takes each image once in an epoch, in orders that differ", () => {
    expect(linf(delta.data)).toBe(16);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
    expect(universalSteps(5, settings)).toBe(18);
    const epochs = Array.from({ length: 6 }, (_, e) => order.slice(5 * e, 5 * (e + 1)));
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(epochs.map(String)).size).toBeGreaterThan(3);
    expect(steps.at(-1)!.changedPixelShare).toBeGreaterThan(steps[0]!.changedPixelShare);
  });

  it("is continued from where it stood with the same bytes", async () => {
    const from = readCheckpoint(writeCheckpoint(checkpoints[6]!));
    expect(await craftUniversal(segmenter, shape, itemsOf(train), settings, { from })).toEqual(delta);
  });
});

it("of one image it is iterative FGSM, as long as no value is clipped", async () => {
  const image = tensor(
    "float32",
    shape,
    images[0]!.data.map((v) => Math.min(Math.max(v, 20), 235)),
  );
  const delta = await craftUniversal(segmenter, shape, itemsOf([image]), { ...settings, epochs: 12, batch: 1 });
  const { float } = await measure({ segmenter, image, item: "" }, { ...(perImage as object), steps: 12 } as Plan);
  expect([...delta.data]).toEqual([...float.image.data].map((v, i) => v - image.data[i]!));
});

it("says what is wrong with a perturbation", () => {
  const delta = tensorOf("float32", [1, 1, 2], [3, -4.5]);
  expect(deltaFault(delta, [1, 1, 2], 4.5)).toBeNull();
  const near = tensorOf("float32", [1, 1, 1], [-3.2]);
  expect([radiusOf(near), deltaFault(near, [1, 1, 1], radiusOf(near))]).toEqual([3.2, null]);
  expect(deltaFault(delta, [1, 1, 2], 4)).toBe("changes a value by 4.5 grey levels, and epsilon is 4");
  expect(deltaFault(delta, [3, 4, 2], 8)).toMatch(/is 2×1 \(width×height\) of 1 channels, and the image 2×4 .* of 3/);
  expect(deltaFault(tensorOf("float32", [2], [0, 0]), [1, 1, 2], 8)).toMatch(
    /\[channels, height, width\], and is \[2\]/,
  );
  expect(deltaFault(tensorOf("float32", [1, 1, 2], [0, NaN]), [1, 1, 2], 8)).toMatch(/no finite/);
});
