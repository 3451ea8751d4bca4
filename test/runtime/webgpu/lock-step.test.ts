/** Groups of a picture whose attacks stay on the GPU: those that climb one graph are one batch, and the rows are those of one after another. */

import { afterAll, describe, expect, it } from "vitest";
import { parseSpec } from "../../../src/evaluation/spec.ts";
import { planUnits } from "../../../src/evaluation/plan-units.ts";
import { crossEntropyObjective } from "../../../src/objectives/cross-entropy.ts";
import { startGpuRuntime } from "../../../src/runtime/gpu/runtime.ts";
import type { Device } from "../../../src/runtime/gpu/resident.ts";
import type { Runtime } from "../../../src/runtime/session.ts";
import { openNodeDevice } from "../../../src/runtime/webgpu/node.ts";
import type { DeviceAscent } from "../../../src/segmenter/climb.ts";
import { createSegmenter } from "../../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../../src/segmenter/session-cache.ts";
import { gpuNote, hasGpu } from "../../support/gpu.ts";
import { noiseImage, noiseLabels } from "../../support/networks/image.ts";
import { tinyNetwork } from "../../support/networks/tiny.ts";
import { performed, type Work } from "../../support/performed.ts";

const opened: Device[] = [];
const open = async (): Promise<Device> => opened[opened.push(await openNodeDevice()) - 1]!;
const gpuRuntime = hasGpu ? startGpuRuntime(open) : null;
afterAll(() => {
  for (const { gpu } of opened) gpu.device.destroy();
});

const network = tinyNetwork();
const size = [12, 16] as const;

/** Keeps, of each ascent, how many images it had and how many rounds it took. */
const counting = (runtime: Runtime, ascents: (readonly [images: number, rounds: number])[]): Runtime => ({
  ...runtime,
  createAscent: async (model, options) => {
    const session = await runtime.createAscent!(model, options);
    return {
      ...session,
      ascend: (requests, watch) => {
        const left = Math.max(...requests.map(({ steps, from }) => steps - (from?.step ?? 0)));
        ascents.push([requests.length, Math.min(left, watch?.rounds ?? Infinity)]);
        return session.ascend(requests, watch);
      },
    };
  },
});

const perform = async (work: Work, together: boolean) => {
  const ascents: (readonly [number, number])[] = [];
  const cache = new SessionCache(counting(await gpuRuntime!, ascents), 2 ** 30);
  return { outcomes: await performed(work, cache, together), ascents };
};

interface Asked {
  readonly seed: number;
  readonly steps: number;
  readonly fails?: boolean;
}

const ascentOf = ({ seed, steps }: Asked): DeviceAscent => {
  const start = noiseImage(...size, seed);
  const end = (by: number) => start.data.map((v) => Math.min(255, Math.max(0, v + by)));
  return { start, walk: { kind: "sign", low: end(-seed - 1), high: end(seed + 1), alpha: 1, momentum: 1 }, steps };
};

/** What becomes of ascents, all of them in lanes of one cache, each of a picture and away from labels of its own. */
const climbed = async (asked: readonly Asked[], ascents: (readonly [number, number])[] = []) => {
  const cache = new SessionCache(counting(await gpuRuntime!, ascents), 2 ** 30);
  const segmenter = createSegmenter(network, cache);
  const climb = async (own: Asked): Promise<unknown> => {
    const labels = noiseLabels(...size, 4, own.seed, true);
    const onStep = ({ step }: { readonly step: number }): void => {
      if (own.fails && step === 2) throw new Error("this one's watcher fails");
    };
    const ascend = segmenter.onDevice({ objective: crossEntropyObjective(false), labels })!;
    return (await ascend(ascentOf(own), { onStep })).data;
  };
  return cache.gather.lanes(asked.map((own) => () => climb(own).catch(String)));
};

describe.skipIf(!hasGpu)(`on the device, in lock step${gpuNote}`, () => {
  it("attacks give the same rows, in fewer evaluations of the graph", async () => {
    const spec = parseSpec({
      networks: ["tiny"],
      attacks: [
        "ifgsm",
        { attack: "pgd", steps: 6 },
        { attack: "mi-fgsm", steps: 5 },
        { attack: "apgd", steps: 7 },
        // Their weights follow from the step and the number of steps: each image is fed its own.
        { attack: "segpgd", steps: 4 },
        { attack: "segpgd", steps: 6 },
      ],
      epsilon: [2, 8],
    });
    const { groups } = await planUnits(spec, [network.manifest], ["one"]);
    const work = { spec, groups, network, size };
    const [one, all] = [await perform(work, false), await perform(work, true)];
    expect(all.outcomes).toEqual(one.outcomes);
    expect(all.outcomes.every((outcome) => "row" in outcome)).toBe(true);
    const rounds = (ascents: readonly (readonly [number, number])[]) => ascents.reduce((sum, [, own]) => sum + own, 0);
    expect(new Set(one.ascents.map(([images]) => images))).toEqual(new Set([1]));
    expect(Math.max(...all.ascents.map(([images]) => images))).toBeGreaterThanOrEqual(4);
    expect(rounds(all.ascents)).toBeLessThan(0.6 * rounds(one.ascents));
  });

  it("pictures of any number of steps give the same images, in batches that grow smaller as they end", async () => {
    const ascents: (readonly [number, number])[] = [];
    const asked = [2, 9, 3, 5, 1].map((steps, seed) => ({ seed, steps }));
    const together = await climbed(asked, ascents);
    for (const [i, own] of asked.entries()) expect([together[i]]).toEqual(await climbed([own]));
    // 9, 5, 3 and 2 steps, until two of them are done; 6 and 2, and so on. Alone it would be 20 rounds.
    expect(ascents).toEqual([
      [4, 3],
      [2, 2],
      [2, 1],
      [1, 3],
    ]);
  });

  it("fail each by itself", async () => {
    const asked = [4, 5, 6].map((steps, seed) => ({ seed, steps, fails: seed === 1 }));
    const together = await climbed(asked);
    expect(together[1]).toBe("Error: this one's watcher fails");
    for (const i of [0, 2]) expect([together[i]]).toEqual(await climbed([asked[i]!]));
  });
});
