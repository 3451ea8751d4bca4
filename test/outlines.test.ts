/** models/outlines.json is what opening every network finds, and services use it in place of opening them. */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { outlinesOf } from "../scripts/outlines/find.ts";
import { folderModels } from "../src/node/folder-models.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { createService } from "../src/service/service.ts";

const folder = fileURLToPath(new URL("../models", import.meta.url));

it("models/outlines.json is not stale; `npm run outlines` writes it", async () => {
  const store = await folderModels(folder);
  expect(store.outlines).toEqual(await outlinesOf(store));
});

it("a service lists its networks without reading one of them, unless a manifest has changed", async () => {
  const store = await folderModels(folder);
  const read: string[] = [];
  const [first, ...others] = store.manifests;
  const changed = { ...first!, license: "changed" };
  const serviceOf = (manifests: typeof store.manifests) =>
    createService({
      store: {
        ...store,
        manifests,
        read: (manifest) => {
          read.push(manifest.name);
          return store.read(manifest === changed ? first! : manifest);
        },
      },
      runtime: startWasm(),
      version: "1",
      defaultModel: "enet-street",
    });
  const models = await serviceOf(store.manifests).models();
  expect([models.length, read]).toEqual([store.manifests.length, []]);
  await serviceOf([changed, ...others]).models();
  expect(read.length).toBe(1);
});
