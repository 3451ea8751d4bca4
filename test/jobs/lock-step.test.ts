/** Groups in lock step: what waits for the same graph runs as a batch, and the rows are those of one after another. */

import { describe, expect, it } from "vitest";
import { parseSpec } from "../../src/evaluation/spec.ts";
import { planUnits } from "../../src/evaluation/plan-units.ts";
import type { Runtime } from "../../src/runtime/session.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";
import { performed } from "../support/performed.ts";

/** Counts runs by the number of their images. */
const counting = (runtime: Runtime, runs: Map<number, number>): Runtime => ({
  ...runtime,
  createSession: async (model) => {
    const session = await runtime.createSession(model);
    return {
      ...session,
      run: (feeds) => {
        const batch = feeds["image"]!.shape[0]!;
        runs.set(batch, (runs.get(batch) ?? 0) + 1);
        return session.run(feeds);
      },
    };
  },
});

const spec = parseSpec({
  networks: ["tiny"],
  attacks: [
    "fgsm",
    "ifgsm",
    { attack: "pgd", steps: 6 },
    { attack: "mi-fgsm", steps: 5 },
    { attack: "cospgd", steps: 5 },
    { attack: "apgd", steps: 7 },
    { attack: "ddn", steps: 9 },
    { attack: "square", steps: 11 },
  ],
  epsilon: [2, 8],
});
const network = tinyNetwork();
const { groups } = await planUnits(spec, [network.manifest], ["one"]);

const perform = async (together: boolean) => {
  const runs = new Map<number, number>();
  const cache = new SessionCache(counting(startWasm(), runs), 2 ** 30);
  return { outcomes: await performed({ spec, groups, network, size: [12, 16] }, cache, together), runs };
};

describe("groups of one picture", () => {
  it("give the same rows, in fewer runs, whatever their attacks are and however long they take", async () => {
    const [one, all] = [await perform(false), await perform(true)];
    expect(all.outcomes).toEqual(one.outcomes);
    expect(all.outcomes.every((outcome) => "row" in outcome)).toBe(true);
    expect([...one.runs.keys()]).toEqual([1]);
    const images = (runs: ReadonlyMap<number, number>) =>
      [...runs].reduce((sum, [batch, count]) => sum + batch * count, 0);
    const count = (runs: ReadonlyMap<number, number>) => [...runs.values()].reduce((a, b) => a + b, 0);
    expect(images(all.runs)).toBe(images(one.runs));
    expect(count(all.runs)).toBeLessThan(0.6 * count(one.runs));
    expect(Math.max(...all.runs.keys())).toBeGreaterThanOrEqual(4);
  });

  it("run one after another where a batch of the picture is not faster", async () => {
    const { most } = new SessionCache(startWasm(), 2 ** 30).gather;
    expect([12, 48, 60, 96, 360].map((height) => most({ height, width: (4 * height) / 3 }))).toEqual([8, 8, 4, 1, 1]);
  });
});
