/** Attacks through transformations before a network, with their draws; on a device, too. */

import { describe, expect, it } from "vitest";
import { follow } from "../../src/attacks/run.ts";
import { makeAttack } from "../../src/attacks/catalogue.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/attacks/checkpoint.ts";
import { changedShare } from "../../src/metrics/distances.ts";
import type { AscentSession, Runtime } from "../../src/runtime/session.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import type { Defence } from "../../src/segmenter/defence.ts";
import { createFronts } from "../../src/segmenter/front.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import type { TransformSpec } from "../../src/transforms/pipeline.ts";
import { awayFrom, given } from "../support/aims.ts";
import { defended, image, jpeg, labels, network, plain } from "./defended.ts";

describe("attacks", () => {
  const attacked = async (specs: readonly TransformSpec[], changes: Partial<Defence>) => {
    const segmenter = defended(specs, changes);
    const { labels: clean } = await segmenter.predict(image);
    const attack = makeAttack("ifgsm", { epsilon: 6, alpha: 1, steps: 10, pixelRange: [0, 255], seed: 1 });
    return follow(attack.trajectories[0], segmenter.objective(awayFrom(clean)), image);
  };
  /** Mean over trials of the share of pixels whose label changes from that of the clean image. */
  const harm = async (specs: readonly TransformSpec[], adversarial: Image, trials = 9): Promise<number> => {
    let sum = 0;
    for (let seed = 100; seed < 100 + trials; seed++) {
      const segmenter = defended(specs, { seed });
      const predicted = async (x: Image): Promise<Labels> => (await segmenter.predict(x)).labels;
      sum += changedShare(await predicted(image), await predicted(adversarial))! / trials;
    }
    return sum;
  };

  it.each<[TransformSpec]>([[{ name: "blur", sigma: 1.2 }], [{ name: "resize", scale: 0.5 }]])(
    "through %o beat naive ones",
    async (spec) => {
      const naive = await harm([spec], await attacked([spec], { through: "naive" }), 1);
      const through = await harm([spec], await attacked([spec], {}), 1);
      expect(through).toBeGreaterThan(1.2 * naive);
    },
  );

  it("in expectation beat naive ones where the transformation is random", async () => {
    const specs: TransformSpec[] = [{ name: "resize", scale: [0.3, 0.8] }, { name: "colour-jitter" }];
    const naive = await harm(specs, await attacked(specs, { through: "naive" }));
    const eot = await harm(specs, await attacked(specs, { draws: 8 }));
    expect(eot).toBeGreaterThan(naive);
  });

  it("repeat with their seed", async () => {
    const specs: TransformSpec[] = [{ name: "noise" }];
    expect(await attacked(specs, { draws: 2 })).toEqual(await attacked(specs, { draws: 2 }));
    expect(await attacked(specs, { draws: 2 })).not.toEqual(await attacked(specs, { draws: 2, seed: 4 }));
  });

  describe("of several steps, stages and restarts", () => {
    const defence: Defence = { transform: [{ name: "noise" }], seed: 3, through: "differentiable", draws: 2 };
    const settings = { epsilon: 6, steps: 10, restarts: 2, pixelRange: null, seed: 1 } as const;

    it.each(["pgd", "apgd-tsallis"] as const)("draw anew at each: %s", async (name) => {
      const { ofStep } = createFronts(defence);
      const evaluate = plain.objective(awayFrom(labels));
      const firsts: number[] = [];
      for (const trajectory of makeAttack(name, settings).trajectories)
        await follow(
          trajectory,
          (x, at) => {
            for (const sample of [0, 1]) firsts.push(ofStep(image, at, sample)["transform_0_map"]!.data[0]!);
            return evaluate(x, at);
          },
          image,
        );
      expect(firsts.length).toBeGreaterThanOrEqual(2 * 2 * 10);
      expect(new Set(firsts).size).toBe(firsts.length);
    });

    it("continue from a checkpoint with the draws of the one that is not stopped", async () => {
      const evaluate = plain.withTransform(defence).objective(awayFrom(labels));
      const trajectory = makeAttack("pgd", settings).trajectories[1]!;
      const written: Uint8Array[] = [];
      const whole = await follow(trajectory, evaluate, image, {
        onStep: ({ checkpoint }) => void written.push(writeCheckpoint(checkpoint)),
      });
      const from = readCheckpoint(written[3]!);
      expect(await follow(trajectory, evaluate, image, { from })).toEqual(whole);
      expect(await follow({ ...trajectory, seed: 7 }, evaluate, image, { from })).not.toEqual(whole);
    });
  });
});

describe("on a device", () => {
  const wasm = startWasm();
  const session: AscentSession = {
    ascend: () => Promise.reject(new Error("nothing is climbed here")),
    release: () => Promise.resolve(),
  };
  const runtime: Runtime = { ...wasm, createAscent: () => Promise.resolve(session) };
  const onDevice = createSegmenter(network, new SessionCache(runtime, 2 ** 30));
  const climb = (specs: TransformSpec[], changes: Partial<Defence> = {}) =>
    onDevice
      .withTransform({ transform: specs, seed: 1, through: "differentiable", draws: 1, ...changes })
      .onDevice({ objective: given, labels });

  it("what is random is climbed from the host", () => {
    expect(climb([jpeg])).not.toBeNull();
    expect(climb([jpeg], { draws: 3 })).not.toBeNull();
    expect(climb([{ name: "noise" }])).toBeNull();
    expect(climb([{ name: "noise" }], { through: "bpda" })).toBeNull();
    expect(climb([{ name: "jpeg", quality: [40, 60] }])).toBeNull();
    expect(climb([{ name: "noise" }], { through: "naive" })).not.toBeNull();
  });
});
