/** In a WASM heap of its own: sessions of stored graphs take the memory that is predicted from the compiled ones. */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { usual } from "../../bench/feeds.ts";
import { createModels } from "../../src/networks/registry.ts";
import { folderModels } from "../../src/node/folder-models.ts";
import { leastLikelyObjective } from "../../src/objectives/least-likely.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { zeros } from "../../src/tensor.ts";
import { toLeastLikely } from "../support/aims.ts";

it("enet-street: an attack at 480×360 takes what is predicted, in the order that memory was planned for", async () => {
  const wasm = startWasm();
  const stored: (boolean | undefined)[] = [];
  const runtime = {
    ...wasm,
    createSession: (...[model, options]: Parameters<typeof wasm.createSession>) => {
      stored.push(options?.optimised);
      return wasm.createSession(model, options);
    },
  };
  const cache = new SessionCache(runtime, 96 * 2 ** 20);
  const store = await folderModels(fileURLToPath(new URL("../../models", import.meta.url)));
  const { segmenter } = await createModels({ store, cache, foundBy: "test" }).open("enet-street");
  const image = zeros("float32", [3, usual.height, usual.width]);
  await segmenter.predict(image);
  await segmenter.objective(toLeastLikely)(image);
  expect(stored).toEqual([true, true]);
  const predicted = cache.predict(segmenter.attackFootprints(usual, leastLikelyObjective()));
  expect(wasm.memoryBytes() / predicted).toBeGreaterThan(0.86);
  expect(wasm.memoryBytes() / predicted).toBeLessThan(1.14);
});
