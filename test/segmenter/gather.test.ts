/** Which batches ascents are gathered into, by a runtime that only keeps count. */

import { describe, expect, it } from "vitest";
import { predictMemory } from "../../src/runtime/memory/memory.ts";
import type { AscentRequest, AscentSession, Runtime } from "../../src/runtime/session.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";

const MIB = 2 ** 20;

/** A graph of N images, whose largest tensor is of N MiB. */
const sourceOf = (batch: number) => ({
  key: `${batch} ×`,
  footprint: { staticBytes: MIB, runBytes: 64 * batch * MIB, liveness: { peakBytes: 0, largestBytes: batch * MIB } },
  bytes: () => new Uint8Array(),
});

const requestOf = (steps: number): AscentRequest => {
  const image = new Float32Array(1);
  const feeds = { image: tensor("float32", [1, 1, 1, 1], image) };
  return { feeds, walk: { kind: "sign", low: image, high: image, alpha: 1 }, steps };
};

/** The number of images of each ascent. */
const ascended = async (steps: readonly number[], budgetBytes: number, own: Partial<Runtime> = {}) => {
  const batches: number[] = [];
  const session: AscentSession = {
    ascend: async (requests, { rounds = Infinity } = {}) => {
      batches.push(requests.length);
      return requests.map(({ steps: all, from, feeds }) => {
        const image = feeds["image"]!.data as Float32Array<ArrayBuffer>;
        const step = (from?.step ?? 0) + rounds;
        return step < all
          ? { kind: "left", state: { step, held: { image } } }
          : { kind: "done", image: Float32Array.of(all), loss: 0 };
      });
    },
    release: () => Promise.resolve(),
  };
  const runtime: Runtime = {
    backend: "webgpu",
    version: "fake",
    createSession: () => Promise.reject(new Error("nothing is run")),
    createAscent: () => Promise.resolve(session),
    memoryBytes: () => 0,
    ...own,
  };
  const { gather } = new SessionCache(runtime, budgetBytes);
  const ends = await gather.lanes(steps.map((all) => () => gather.ascend(sourceOf, requestOf(all), {})));
  expect(ends.map(({ image }) => image[0])).toEqual(steps);
  return batches;
};

const alike = (count: number) => Array.from({ length: count }, () => 5);

describe("ascents that wait for one graph", () => {
  it("go in batches of powers of two, at most eight", async () => {
    expect(await ascended(alike(8), 2 ** 30)).toEqual([8]);
    expect(await ascended(alike(13), 2 ** 30)).toEqual([8, 4, 1]);
    expect(await ascended(alike(1), 2 ** 30)).toEqual([1]);
  });

  it("go in batches that fit into the memory", async () => {
    const budget = predictMemory([sourceOf(4).footprint]);
    expect(await ascended(alike(8), budget)).toEqual([4, 4]);
    expect(await ascended(alike(3), predictMemory([sourceOf(1).footprint]))).toEqual([1, 1, 1]);
  });

  it("go in batches whose largest tensor the device takes", async () => {
    expect(await ascended(alike(8), 2 ** 30, { largestTensorBytes: 3 * MIB })).toEqual([2, 2, 2, 2]);
  });

  it("leave a batch of which half has ended", async () => {
    expect(await ascended([10, 1, 10, 1], 2 ** 30)).toEqual([4, 2]);
    expect(await ascended([1, 2, 4, 8], 2 ** 30)).toEqual([4, 2, 1]);
  });
});
