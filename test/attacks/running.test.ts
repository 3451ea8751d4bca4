/** What an attack does while it runs, and what it refuses. */

import { describe, expect, it } from "vitest";
import type { Progress } from "../../src/attacks/run.ts";
import { tensorOf } from "../../src/tensor.ts";
import { bowl, counted, imageOf, linear } from "./objectives.ts";
import { fgsm, ifgsm, pgd, type Named, type Settings } from "./named.ts";

const image = imageOf([0, 40, 80, 120, 160, 255]);
const optimum = [3.3, 31, 82.4, 117.7, 160.2, 262];

const base: Settings = { epsilon: 4, alpha: 0.9, steps: 5, seed: 1, pixelRange: [0, 255] };

/** Each option and another value for it. */
const changes: readonly Partial<Settings>[] = [
  { epsilon: 3 },
  { alpha: 0.7 },
  { steps: 6 },
  { pixelRange: null },
  { seed: 2 },
];

describe.each<readonly [string, (o: Settings) => Named, readonly (keyof Settings)[]]>([
  ["fgsm", fgsm, ["epsilon", "pixelRange"]],
  ["ifgsm", ifgsm, ["epsilon", "pixelRange", "alpha", "steps"]],
  ["pgd", pgd, ["epsilon", "pixelRange", "alpha", "steps", "seed"]],
])("%s", (_, make, used) => {
  it.each(changes.filter((c) => used.some((name) => name in c)))("changes with %o", async (change) => {
    const run = (o: Settings) => make(o)(bowl(optimum), image);
    expect((await run({ ...base, ...change })).data).not.toEqual((await run(base)).data);
    expect((await run({ ...base, ...change })).data).toEqual((await run({ ...base, ...change })).data);
  });

  it.each([0, -1, Number.NaN, Infinity])("refuses ε = %d", (epsilon) => {
    expect(() => make({ ...base, epsilon })).toThrow(/epsilon must be positive/);
  });
});

describe("iterative attacks", () => {
  it.each([0, -2, Number.NaN, Infinity])("refuse α = %d", (alpha) => {
    expect(() => ifgsm({ ...base, alpha })).toThrow(/alpha must be positive/);
    expect(() => pgd({ ...base, alpha })).toThrow(/alpha must be positive/);
  });

  it.each([0, -1, 2.5, Number.NaN, Infinity])("refuse %d steps", (steps) => {
    expect(() => ifgsm({ ...base, steps })).toThrow(/steps/);
    expect(() => pgd({ ...base, steps })).toThrow(/steps/);
  });

  it("refuse a seed that is no integer, when they start", async () => {
    await expect(pgd({ ...base, seed: 0.5 })(linear([1, 1, 1]), imageOf([1, 2, 3]))).rejects.toThrow(/seed/);
  });

  it("refuse a gradient of another size", async () => {
    const gradient = tensorOf("float32", [3, 1, 1], [1, 1, 1]);
    await expect(ifgsm(base)(() => Promise.resolve({ gradient, value: 0 }), image)).rejects.toThrow(/shape/);
  });

  it("pass an objective's failure on", async () => {
    const cause = new Error("no memory");
    await expect(ifgsm(base)(() => Promise.reject(cause), image)).rejects.toBe(cause);
  });
});

describe("a watched attack", () => {
  it("tells each step in order, with the evaluation where it starts and the image where it ends", async () => {
    const objective = counted(bowl(optimum));
    const told: Progress[] = [];
    const result = await ifgsm(base)(objective, image, { onStep: (p) => void told.push(p) });
    expect(told.map((p) => [p.step, p.steps])).toEqual([1, 2, 3, 4, 5].map((step) => [step, 5]));
    expect(objective.at[0]!.data).toEqual(image.data);
    for (const [i, { evaluation, image: after }] of told.entries()) {
      expect(evaluation.value).toBe((await bowl(optimum)(objective.at[i]!, { step: 1, steps: 1 })).value);
      expect(after.data).toEqual((objective.at[i + 1] ?? result).data);
    }
    expect(told.at(-1)!.evaluation.value).toBeGreaterThan(told[0]!.evaluation.value);
  });

  it("waits for what it told before it goes on", async () => {
    const events: string[] = [];
    const objective = async (at: typeof image) => {
      events.push("evaluate");
      return bowl(optimum)(at, { step: 1, steps: 1 });
    };
    const onStep = async ({ step }: Progress) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      events.push(`told ${step}`);
    };
    await ifgsm({ ...base, steps: 2 })(objective, image, { onStep });
    expect(events).toEqual(["evaluate", "told 1", "evaluate", "told 2"]);
  });

  it("stops before the next step where its signal is aborted, with the reason", async () => {
    const objective = counted(bowl(optimum));
    const controller = new AbortController();
    const reason = new Error("gone");
    const onStep = ({ step }: Progress) => {
      if (step === 3) controller.abort(reason);
    };
    await expect(ifgsm(base)(objective, image, { onStep, signal: controller.signal })).rejects.toBe(reason);
    expect(objective.at.length).toBe(3);
  });

  it("evaluates nothing where the signal was aborted before", async () => {
    const objective = counted(bowl(optimum));
    await expect(fgsm(base)(objective, image, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(objective.at.length).toBe(0);
  });
});
