/** SEA on a network: three objectives, of whose images the worst is kept. */

import { describe, expect, it } from "vitest";
import type { AttackName } from "../../src/attacks/catalogue.ts";
import { makeAttack } from "../../src/attacks/catalogue.ts";
import { follow } from "../../src/attacks/run.ts";
import type { CraftState } from "../../src/evaluation/craft.ts";
import { readCraftState, writeCraftState } from "../../src/evaluation/craft-state.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { evaluatedBy } from "../../src/evaluation/plan.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { objectiveNamed } from "../../src/objectives/catalogue.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const segmenter = createSegmenter(tinyNetwork({ activation: "Tanh" }), new SessionCache(startWasm(), 2 ** 31));
const image = noiseImage(24, 32, 3);
interface Run {
  readonly restarts?: number;
  readonly steps?: number;
}

const settings = { epsilon: 3, steps: 10, start: 1, seed: 4 };

const measured = (attack: AttackName, { restarts = 1, steps = settings.steps }: Run = {}) =>
  measure({ segmenter, image, item: "noise" }, { attack, ...settings, restarts, steps, alpha: 1, pixelRange: "clip" });

/** Share of the labels of the clean image that are left. */
const left = async (attack: AttackName, run: Run = {}): Promise<number> =>
  scoresOf((await measured(attack, run)).row.counts.float).pixelAccuracy!;

describe("sea", () => {
  it("is the worst of its three parts", async () => {
    const { labels } = await segmenter.predict(image);
    const parts: number[] = [];
    const { trajectories } = makeAttack("sea", { ...settings, pixelRange: [0, 255] });
    const remaining = (after: Uint8Array) => after.filter((label, i) => label === labels.data[i]).length / after.length;
    for (const trajectory of trajectories) {
      const evaluate = segmenter.objective({ objective: objectiveNamed(trajectory.objective), labels });
      const watched = async (...at: Parameters<typeof evaluate>) => {
        const seen = await evaluate(...at);
        return { ...seen, remaining: remaining(seen.labels.data) };
      };
      parts.push(remaining((await segmenter.predict(await follow(trajectory, watched, image))).labels.data));
    }
    expect(new Set(parts).size).toBeGreaterThan(1);
    expect(await left("sea")).toBe(Math.min(...parts));
    expect(Math.min(...parts)).toBeLessThan(0.9);
  });

  it("spends its steps and three judgements on each objective, and a prediction on each result", async () => {
    const { row, float } = await measured("sea");
    expect(row.evaluations.backward).toBe(3 * (10 + 3));
    // Besides: the clean prediction, and that of the rounded image.
    expect(row.evaluations.forward).toBe(3 * (10 + 3) + 3 + 2);
    const furthest = float.image.data.reduce((most, v, i) => Math.max(most, Math.abs(v - image.data[i]!)), 0);
    expect(furthest).toBeLessThanOrEqual(3);
  });

  it("stops at any step, and goes on elsewhere to the same row and image", async () => {
    const plan = { attack: "sea", ...settings, steps: 4, restarts: 1, alpha: 1, pixelRange: "clip" } as const;
    const subject = { segmenter, image: noiseImage(8, 8, 3), item: "noise" };
    const written: Uint8Array[] = [];
    const whole = await measure(subject, plan, { onState: (state) => void written.push(writeCraftState(state())) });
    const each = written.length / 3;
    // Within the first objective, right after it, and at the last step.
    const places = [1, each - 1, written.length - 2];
    for (const place of places) {
      const states: Uint8Array[] = [];
      const onState = (state: () => CraftState) => void states.push(writeCraftState(state()));
      const { row, float } = await measure(subject, plan, { from: readCraftState(written[place]!), onState });
      expect([row, float.image.data]).toEqual([whole.row, whole.float.image.data]);
      expect(states).toEqual(written.slice(place + 1));
    }
  });

  it("holds the memory of each of its objectives", () => {
    const keys = evaluatedBy(["sea", "apgd"]).map((evaluated) => ("scored" in evaluated ? "" : evaluated.key));
    expect(keys.length).toBe(4);
    expect(new Set(keys).size).toBe(4);
  });
});

it("a restart can only leave fewer pixels", async () => {
  const [once, thrice] = [await left("apgd"), await left("apgd", { restarts: 3 })];
  expect(thrice).toBeLessThanOrEqual(once);
});

it.each(["apgd", "padam"] as const)("%s leaves fewer pixels than one step of the same radius", async (attack) => {
  expect(await left(attack, { steps: 40 })).toBeLessThan(await left("fgsm"));
});
