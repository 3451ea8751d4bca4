/** What certificates by bounds cost: passes are counted as they run, and memory decides how many pixels a run has. */

import { expect, it } from "vitest";
import { createBounder, type Bounding } from "../../src/certify/deterministic.ts";
import type { Runtime } from "../../src/runtime/session.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { MemoryBudgetError, SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const wasm = startWasm();
const size = { height: 24, width: 32 };
const image = noiseImage(size.height, size.width, 3);
const bounding: Bounding = { method: "linear", rounding: "bounded", pixels: 20, seed: 0 };

/** The runtime, and the passes of the runs that it made: one of intervals, and of linear bounds one for each pair of classes. */
const counting = () => {
  let passes = 0;
  const runtime: Runtime = {
    ...wasm,
    createSession: async (model) => {
      const session = await wasm.createSession(model);
      return {
        ...session,
        run: (feeds) => {
          passes += feeds["plus"]?.shape[0] ?? 1;
          return session.run(feeds);
        },
      };
    },
  };
  return { runtime, spent: () => passes };
};

it.each([
  ["interval", 1, "bounded"],
  ["linear", 1, "bounded"],
  ["linear", 20, "bounded"],
  ["linear", 20, "ignored"],
] as const)("of %s bounds of %i pixels, rounding %s, are no more than was said", async (method, pixels, rounding) => {
  const asked = { ...bounding, method, pixels, rounding };
  const { runtime, spent } = counting();
  const bounder = createBounder(tinyNetwork(), new SessionCache(runtime, 2 ** 29));
  // At this ε intervals certify nothing, so that each pixel takes its passes.
  await bounder.certify(image, 50, asked);
  const once = spent();
  expect(once).toBeLessThanOrEqual(bounder.passes(size, asked, { largest: false }));
  expect(once).toBeGreaterThanOrEqual(method === "interval" ? 1 : 1 + 3 * pixels);
  await bounder.largest(image, asked);
  const most = bounder.passes(size, asked, { largest: true });
  expect(spent()).toBeLessThanOrEqual(most);
  expect(spent()).toBeGreaterThan(most / 6);
});

it("where a run of all pixels would not fit takes fewer at a time, with the same certificate", async () => {
  const network = tinyNetwork();
  const large = { height: 72, width: 96 };
  const picture = noiseImage(large.height, large.width, 3);
  const roomy = new SessionCache(wasm, 2 ** 29);
  const whole = createBounder(network, roomy);
  const [needed, single] = [20, 1].map((pixels) =>
    roomy.predict([whole.footprints(large, { method: "linear", pixels }).at(-1)!]),
  ) as [number, number];
  expect(single).toBeLessThan(needed);
  const tight = createBounder(network, new SessionCache(wasm, needed - 1));
  expect(tight.runs(large, bounding)).toBeGreaterThan(whole.runs(large, bounding));
  const [all, parts] = [await whole.certify(picture, 0.2, bounding), await tight.certify(picture, 0.2, bounding)];
  expect(parts.labels.data).toEqual(all.labels.data);
  const none = createBounder(network, new SessionCache(wasm, single - 1));
  const [one, few] = [1, 20].map((pixels) => none.footprints(large, { method: "linear", pixels }).at(-1));
  expect(few).toBe(one); // Of one graph, which is not compiled again.
  await expect(none.certify(picture, 50, bounding)).rejects.toThrow(MemoryBudgetError);
});
