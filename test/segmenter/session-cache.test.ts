/** The cache of sessions, with a runtime that only keeps count. */

import { describe, expect, it } from "vitest";
import { predictMemory, type Footprint } from "../../src/runtime/memory/memory.ts";
import { RuntimeError, type Runtime, type Session } from "../../src/runtime/session.ts";
import { MemoryBudgetError, SessionCache } from "../../src/segmenter/session-cache.ts";

const MIB = 2 ** 20;
/** Of sessions that keep this much, and take as much again while they run. */
const footprintOf = (mebibytes: number): Footprint => ({
  staticBytes: mebibytes * MIB,
  runBytes: mebibytes * MIB,
  liveness: { peakBytes: 0, largestBytes: 0 },
});

/** A runtime whose sessions are named by their bytes; `events` tells what was asked of it. */
const fakeRuntime = (refused: readonly string[] = []) => {
  const events: string[] = [];
  const createSession = async (model: Uint8Array): Promise<Session> => {
    const name = new TextDecoder().decode(model);
    events.push(`create ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (refused.includes(name)) throw new RuntimeError(`no ${name}`);
    return {
      inputs: [name],
      outputs: [],
      run: () => Promise.resolve({}),
      release: () => Promise.resolve(void events.push(`release ${name}`)),
    };
  };
  const runtime: Runtime = { backend: "wasm", version: "fake", createSession, memoryBytes: () => 0 };
  return { runtime, events };
};

const sourceOf = (key: string, mebibytes: number) => ({
  key,
  footprint: footprintOf(mebibytes),
  bytes: () => new TextEncoder().encode(key),
});

/** The smallest budget that holds sessions of these sizes. */
const budgetFor = (...sizes: readonly number[]) => predictMemory(sizes.map(footprintOf));

describe("the session cache", () => {
  it("refuses on native, before it is made, what native would take and not what WASM would", async () => {
    const { runtime, events } = fakeRuntime();
    const big = {
      ...sourceOf("big", 2),
      footprint: { ...footprintOf(2), liveness: { peakBytes: 100 * MIB, largestBytes: 0 } },
    };
    const native = new SessionCache({ ...runtime, backend: "native" }, 200 * MIB);
    await expect(native.session(big)).rejects.toThrow(MemoryBudgetError);
    expect(events).toEqual([]);
    await new SessionCache(runtime, 200 * MIB).session(big);
    await new SessionCache({ ...runtime, backend: "native" }, 256 * MIB).session(big);
    expect(events).toEqual(["create big", "create big"]);
  });

  it("makes a session once, also where several ask for it at the same time", async () => {
    const { runtime, events } = fakeRuntime();
    const cache = new SessionCache(runtime, budgetFor(10, 10, 10));
    const asked = await Promise.all([1, 2, 3].map(() => cache.session(sourceOf("a", 10))));
    expect(new Set(asked).size).toBe(1);
    expect(await cache.session(sourceOf("a", 10))).toBe(asked[0]);
    expect(events).toEqual(["create a"]);
  });

  it("makes it once also where another must leave first", async () => {
    const { runtime, events } = fakeRuntime();
    const cache = new SessionCache(runtime, budgetFor(40));
    await cache.session(sourceOf("old", 40));
    const asked = await Promise.all([1, 2].map(() => cache.session(sourceOf("new", 40))));
    expect(asked[0]).toBe(asked[1]);
    expect(events).toEqual(["create old", "release old", "create new"]);
  });

  it("releases the least recently used, and no more than it must", async () => {
    const { runtime, events } = fakeRuntime();
    const cache = new SessionCache(runtime, budgetFor(40, 40, 40));
    for (const key of ["a", "b", "c"]) await cache.session(sourceOf(key, 40));
    await cache.session(sourceOf("a", 40));
    expect(events).toEqual(["create a", "create b", "create c"]);
    await cache.session(sourceOf("d", 40));
    expect(events.slice(3)).toEqual(["release b", "create d"]);
    await cache.session(sourceOf("e", 80));
    expect(events.slice(5)).toEqual(["release c", "release a", "release d", "create e"]);
  });

  it("stays within its budget by prediction, whatever is asked for", async () => {
    const { runtime, events } = fakeRuntime();
    const budget = 120 * MIB;
    const cache = new SessionCache(runtime, budget);
    const held = new Map<string, number>();
    for (let i = 0; i < 40; i++) {
      const size = 1 + ((i * 7) % 23);
      await cache.session(sourceOf(`s${i}`, size));
      held.set(`s${i}`, size);
      for (const event of events.splice(0)) if (event.startsWith("release")) held.delete(event.slice(8));
      expect(predictMemory([...held.values()].map(footprintOf))).toBeLessThanOrEqual(budget);
    }
    expect(held.size).toBeGreaterThan(2);
  });

  it("refuses what does not fit alone, and leaves the others in place", async () => {
    const { runtime, events } = fakeRuntime();
    const cache = new SessionCache(runtime, budgetFor(10));
    await cache.session(sourceOf("a", 10));
    const refusal = cache.session(sourceOf("b", 200));
    await expect(refusal).rejects.toThrow(MemoryBudgetError);
    await expect(refusal).rejects.toMatchObject({
      predictedBytes: Math.ceil(budgetFor(200)),
      budgetBytes: budgetFor(10),
    });
    expect(events).toEqual(["create a"]);
    expect(() => cache.requireFit([footprintOf(10)])).not.toThrow();
    expect(() => cache.requireFit([footprintOf(10), footprintOf(60)])).toThrow(/budget is \d+ MiB/);
  });

  it("forgets a session that could not be made, and makes room without it", async () => {
    const { runtime, events } = fakeRuntime(["bad"]);
    const cache = new SessionCache(runtime, budgetFor(40));
    await expect(cache.session(sourceOf("bad", 40))).rejects.toThrow(RuntimeError);
    await expect(cache.session(sourceOf("bad", 40))).rejects.toThrow(RuntimeError);
    const [bad, good] = await Promise.allSettled([
      cache.session(sourceOf("bad", 40)),
      cache.session(sourceOf("good", 40)),
    ]);
    expect([bad.status, good.status]).toEqual(["rejected", "fulfilled"]);
    expect(events).toEqual(["create bad", "create bad", "create bad", "create good"]);
    await cache.session(sourceOf("good", 40));
    expect(events).toHaveLength(4);
  });

  it("passes on that the bytes could not be had", async () => {
    const { runtime, events } = fakeRuntime();
    const cache = new SessionCache(runtime, budgetFor(10));
    const bytes = () => {
      throw new Error("no such file");
    };
    await expect(cache.session({ ...sourceOf("a", 10), bytes })).rejects.toThrow("no such file");
    expect(events).toEqual([]);
    await cache.session(sourceOf("a", 10));
    expect(events).toEqual(["create a"]);
  });
});
