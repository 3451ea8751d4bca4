/** Opens every network of a folder and finds what its outline says. */

import { checkedNetwork, openModel } from "../../src/networks/open.ts";
import { manifestDigest, type KnownOutline, type KnownOutlines } from "../../src/networks/outlines.ts";
import type { ModelStore } from "../../src/networks/registry.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { ownerOf } from "../../src/segmenter/manifest.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";

export const outlinesOf = async (store: ModelStore): Promise<KnownOutlines> => {
  const cache = new SessionCache(startWasm(), 2 ** 30);
  const found: Record<string, KnownOutline> = {};
  for (const manifest of store.manifests) {
    const file = await store.read(ownerOf(manifest, store.manifests));
    const { bytes, unsupported } = openModel(await checkedNetwork(manifest, file), file.length, cache);
    found[manifest.name] = { manifestSha256: await manifestDigest(manifest), bytes, unsupported };
  }
  return found;
};
