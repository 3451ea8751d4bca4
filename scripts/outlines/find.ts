/** Opens every network of a folder and finds what models/outlines.json says about it. */

import type { Manifest } from "../../src/segmenter/manifest.ts";
import { figuresOf } from "../../src/networks/info.ts";
import { checkedNetwork, openModel, type OpenModel } from "../../src/networks/open.ts";
import {
  manifestDigest,
  type KnownOutline,
  type KnownOutlines,
  type MemoryFigures,
} from "../../src/networks/outlines.ts";
import type { ModelStore } from "../../src/networks/registry.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { ownerOf } from "../../src/segmenter/manifest.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";

/** The budgets in MiB for which the table has figures: those of wrangler.toml and of `npm run serve`. */
export const BUDGETS_MIB = [96, 1024] as const;

const openIn = async (store: ModelStore, manifest: Manifest, cache: SessionCache): Promise<OpenModel> => {
  const file = await store.read(ownerOf(manifest, store.manifests));
  return openModel(await checkedNetwork(manifest, file), file.length, cache);
};

/** The entries without their figures. */
export const outlinesOf = async (store: ModelStore): Promise<KnownOutlines> => {
  const cache = new SessionCache(startWasm(), 2 ** 30);
  const found: Record<string, KnownOutline> = {};
  for (const manifest of store.manifests) {
    const { bytes, unsupported } = await openIn(store, manifest, cache);
    found[manifest.name] = { manifestSha256: await manifestDigest(manifest), bytes, unsupported };
  }
  return found;
};

/** The figures of one network, computed anew. */
export const figuresOfNetwork = async (
  store: ModelStore,
  manifest: Manifest,
  budgetMib: number,
): Promise<MemoryFigures> => {
  const cache = new SessionCache(startWasm(), budgetMib * 2 ** 20);
  return figuresOf(await openIn(store, manifest, cache), cache);
};

/** The whole table; it takes one to two minutes. */
export const tableOf = async (store: ModelStore): Promise<KnownOutlines> => {
  const table: Record<string, KnownOutline> = {};
  const outlines = await outlinesOf(store);
  for (const manifest of store.manifests) {
    const figures: Record<string, MemoryFigures> = {};
    for (const mib of BUDGETS_MIB) figures[mib] = await figuresOfNetwork(store, manifest, mib);
    table[manifest.name] = { ...outlines[manifest.name]!, figures };
  }
  return table;
};
