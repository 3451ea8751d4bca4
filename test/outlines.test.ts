/** models/outlines.json is what opening every network finds, and services use it in place of opening them. */

import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { BUDGETS_MIB, figuresOfNetwork, outlinesOf } from "../scripts/outlines/find.ts";
import { folderModels } from "../src/node/folder-models.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import type * as Compile from "../src/segmenter/compile.ts";
import { createService } from "../src/service/service.ts";

const folder = fileURLToPath(new URL("../models", import.meta.url));

const compiles = vi.hoisted(() => ({ count: 0 }));
vi.mock("../src/segmenter/compile.ts", async (original) => {
  const actual = await original<typeof Compile>();
  const counted =
    <A extends unknown[], R>(compile: (...args: A) => R) =>
    (...args: A): R => {
      compiles.count += 1;
      return compile(...args);
    };
  return {
    ...actual,
    compileForward: counted(actual.compileForward),
    compileGradient: counted(actual.compileGradient),
    gradientFaults: counted(actual.gradientFaults),
  };
});

it("models/outlines.json is not stale; `npm run outlines` writes it", async () => {
  const store = await folderModels(folder);
  const known = Object.entries(store.outlines!);
  const withoutFigures = known.map(([name, { figures, ...entry }]) => {
    expect([name, Object.keys(figures!)]).toEqual([name, BUDGETS_MIB.map(String)]);
    return [name, entry] as const;
  });
  expect(Object.fromEntries(withoutFigures)).toEqual(await outlinesOf(store));
});

// All networks take two minutes: FAULTLINE_ALL_FIGURES=1. Those of the default test have few nodes, a fixed size or int8 weights.
const quick = ["dilated-frontend-float", "icnet", "pspnet-resnet-float"];
it("its figures of memory are those that compiling the network's graphs gives", async () => {
  const store = await folderModels(folder);
  const checked = store.manifests.filter(({ name }) => process.env["FAULTLINE_ALL_FIGURES"] || quick.includes(name));
  expect(checked.length).toBeGreaterThanOrEqual(quick.length);
  for (const manifest of checked)
    for (const mib of BUDGETS_MIB) {
      const figures = await figuresOfNetwork(store, manifest, mib);
      expect([manifest.name, mib, store.outlines![manifest.name]!.figures![mib]]).toEqual([
        manifest.name,
        mib,
        figures,
      ]);
    }
});

it.each(BUDGETS_MIB)(
  "a service of %i MiB describes each of its networks without opening or compiling one",
  async (mib) => {
    const store = await folderModels(folder);
    const service = createService({
      store: { ...store, read: ({ name }) => Promise.reject(new Error(`${name} is read`)) },
      runtime: startWasm(),
      version: "1",
      defaultModel: "enet-street",
      budgetBytes: mib * 2 ** 20,
    });
    compiles.count = 0;
    for (const { name } of store.manifests) expect((await service.model(name)).memory!.length).toBeGreaterThan(0);
    expect(compiles.count).toBe(0);
  },
);

it("a service is ready without compiling a graph of its default network", async () => {
  const store = await folderModels(folder);
  const ready = async (outlines: typeof store.outlines): Promise<number> => {
    compiles.count = 0;
    await createService({
      store: { ...store, outlines },
      runtime: startWasm(),
      version: "1",
      defaultModel: "enet-street",
    }).ready();
    return compiles.count;
  };
  expect([await ready(store.outlines), await ready({})]).toEqual([0, 1]);
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
